package io.ballast.reward.sandbox;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.Writer;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/**
 * The process that compiles a completion with its tests and runs them. It reads a secret and both
 * sources from its input, and reports in lines that begin with the secret: what untrusted code
 * prints is taken for nothing else. The secret is kept in a frame of the stack alone, where
 * reflection does not reach.
 */
public final class TestHarness {
  /** Untrusted code has not run yet. */
  public static final String READY = "ready";

  /** It does not compile: then why. */
  public static final String NOT_COMPILED = "not-compiled";

  /** The compiler broke: then why. */
  public static final String BROKEN = "broken";

  /** There is no test. */
  public static final String NO_TESTS = "no-tests";

  /** From here on untrusted code runs. */
  public static final String BEGUN = "begun";

  /** All tests ran: then how many passed, how many there are, and the first failure. */
  public static final String RAN = "ran";

  private static final int SHOWN_CHARACTERS = 300;

  private TestHarness() {}

  /** Runs once. */
  public static void main(String[] args) throws IOException {
    DataInputStream in = new DataInputStream(new BufferedInputStream(System.in));
    String secret = in.readUTF();
    String source = text(in);
    String tests = text(in);
    System.setIn(InputStream.nullInputStream());
    try (PrintStream out =
        new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8)) {
      System.setOut(
          new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8));
      System.setErr(
          new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8));
      say(out, secret, READY, "");
      Compiled compiled = new Compiled();
      try {
        String flaw = compiled.compile(source, tests);
        if (!flaw.isEmpty()) {
          say(out, secret, NOT_COMPILED, flaw);
          return;
        }
      } catch (Throwable e) { // javac breaks with errors, too, such as no more stack
        say(out, secret, BROKEN, words(e));
        return;
      }
      say(out, secret, BEGUN, "");
      run(compiled, out, secret);
    } finally {
      Runtime.getRuntime().halt(0); // whatever threads there are
    }
  }

  private static String text(DataInputStream in) throws IOException {
    byte[] bytes = new byte[in.readInt()];
    in.readFully(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static void say(PrintStream out, String secret, String word, String rest) {
    String line = rest.lines().findFirst().orElse("");
    out.print(
        "\n"
            + secret
            + " "
            + word
            + " "
            + line.substring(0, Math.min(line.length(), SHOWN_CHARACTERS))
            + "\n");
    out.flush();
  }

  private static void run(Compiled compiled, PrintStream out, String secret) {
    int all = 0;
    int passed = 0;
    String first = "";
    try {
      List<Method> tests = tests(compiled);
      for (Method test : tests) {
        all++;
        String failure = failure(test);
        if (failure.isEmpty()) {
          passed++;
        } else if (first.isEmpty()) {
          first = failure;
        }
      }
    } catch (Throwable e) { // a class that cannot be loaded: no test of it has passed
      all++;
      first = "loading: " + e.getClass().getName();
    }
    if (all == 0) {
      say(out, secret, NO_TESTS, "");
    } else {
      say(out, secret, RAN, passed + " " + all + " " + first);
    }
  }

  private static List<Method> tests(Compiled compiled) throws ClassNotFoundException {
    Loader loader = new Loader(compiled.classes);
    loader.setDefaultAssertionStatus(true);
    List<Method> tests = new ArrayList<>();
    for (String name : compiled.ofTests) {
      for (Method method : Class.forName(name, false, loader).getDeclaredMethods()) {
        if (Modifier.isStatic(method.getModifiers())
            && method.getParameterCount() == 0
            && method.getName().startsWith("test")) {
          tests.add(method);
        }
      }
    }
    tests.sort(Comparator.comparing(Method::getName));
    return tests;
  }

  private static String failure(Method test) {
    try {
      test.setAccessible(true);
      Object unused = test.invoke(null);
      return "";
    } catch (InvocationTargetException e) {
      Throwable cause = e.getCause();
      return test.getName() + ": " + words(cause == null ? e : cause);
    } catch (Throwable e) { // the call itself: out of memory, or of stack
      return test.getName() + ": " + words(e);
    }
  }

  private static String words(Throwable thrown) {
    try {
      return thrown.getClass().getSimpleName() + " " + thrown.getMessage();
    } catch (Throwable e) { // the message is untrusted code
      return "an exception";
    }
  }

  /** A source, and where its classes go. */
  static final class Text extends SimpleJavaFileObject {
    private final String source;

    Text(String name, String source) {
      super(URI.create("memory:///" + name + ".java"), JavaFileObject.Kind.SOURCE);
      this.source = source;
    }

    @Override
    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
      return source;
    }

    /** A public class may have any name. */
    @Override
    public boolean isNameCompatible(String simpleName, JavaFileObject.Kind kind) {
      return true;
    }
  }

  /** A class file in memory. */
  static final class Bytes extends SimpleJavaFileObject {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    Bytes(String name) {
      super(URI.create("memory:///" + name.replace('.', '/') + ".class"), Kind.CLASS);
    }

    @Override
    public OutputStream openOutputStream() {
      return bytes;
    }
  }

  /** What came of compiling. */
  static final class Compiled {
    private final Map<String, Bytes> classes = new TreeMap<>();
    private final List<String> ofTests = new ArrayList<>();

    /** Returns the first error; nothing if there is none. */
    String compile(String source, String tests) throws IOException {
      JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
      if (compiler == null) {
        throw new IllegalStateException("no compiler");
      }
      Text theirs = new Text("Completion", source);
      Text ours = new Text("Tests", tests);
      DiagnosticCollector<JavaFileObject> told = new DiagnosticCollector<>();
      try (StandardJavaFileManager standard =
              compiler.getStandardFileManager(told, Locale.ROOT, StandardCharsets.UTF_8);
          Memory memory = new Memory(standard, this, ours)) {
        boolean done =
            compiler
                .getTask(
                    Writer.nullWriter(),
                    memory,
                    told,
                    List.of("-proc:none", "-Xlint:none", "-implicit:none"),
                    null,
                    Arrays.asList(theirs, ours))
                .call();
        if (done) {
          return "";
        }
      }
      for (Diagnostic<? extends JavaFileObject> each : told.getDiagnostics()) {
        if (each.getKind() == Diagnostic.Kind.ERROR) {
          return (each.getSource() == ours ? "against the tests, line " : "line ")
              + each.getLineNumber()
              + ": "
              + each.getMessage(Locale.ROOT);
        }
      }
      throw new IllegalStateException("no error told"); // out of stack, or of memory
    }
  }

  /** Keeps class files in memory, and knows which are the tests'. */
  static final class Memory extends ForwardingJavaFileManager<StandardJavaFileManager> {
    private final Compiled compiled;
    private final Text tests;

    Memory(StandardJavaFileManager standard, Compiled compiled, Text tests) {
      super(standard);
      this.compiled = compiled;
      this.tests = tests;
    }

    @Override
    public JavaFileObject getJavaFileForOutput(
        JavaFileManager.Location location,
        String className,
        JavaFileObject.Kind kind,
        FileObject sibling) {
      Bytes bytes = new Bytes(className);
      compiled.classes.put(className, bytes);
      if (sibling == tests) {
        compiled.ofTests.add(className);
      }
      return bytes;
    }
  }

  /** Sees the JDK and what was compiled, not the harness. */
  static final class Loader extends ClassLoader {
    private final Map<String, Bytes> classes;

    Loader(Map<String, Bytes> classes) {
      super(ClassLoader.getPlatformClassLoader());
      this.classes = classes;
    }

    @Override
    protected Class<?> findClass(String name) throws ClassNotFoundException {
      Bytes found = classes.get(name);
      if (found == null) {
        throw new ClassNotFoundException(name);
      }
      byte[] bytes = found.bytes.toByteArray();
      return defineClass(name, bytes, 0, bytes.length);
    }
  }
}
