package io.ballast.reward.sandbox;

import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.util.JavacTask;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.Writer;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
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

/** Compiles a completion together with its tests, in memory, and loads what came of it. */
final class TestCompiler {
  /**
   * What tests check with: in their package, a class of such a name would be taken instead. What
   * they catch is asked of the JDK.
   */
  private static final Set<String> NAMES_OF_THE_JDK =
      Set.of(
          "Arrays",
          "Boolean",
          "Byte",
          "CharSequence",
          "Character",
          "Collections",
          "Comparable",
          "Double",
          "Float",
          "Integer",
          "Iterable",
          "Long",
          "Math",
          "Number",
          "Object",
          "Objects",
          "Short",
          "StrictMath",
          "String",
          "StringBuilder",
          "System");

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
      JavacTask task =
          (JavacTask)
              compiler.getTask(
                  Writer.nullWriter(),
                  memory,
                  told,
                  List.of(
                      "-proc:none",
                      "-Xlint:none",
                      "-implicit:none",
                      "--limit-modules",
                      TestHarness.MODULES),
                  null,
                  List.of(theirs, ours));
      List<CompilationUnitTree> units = new ArrayList<>();
      task.parse().forEach(units::add);
      String flaw = flaw(told, ours);
      if (flaw.isEmpty()) {
        requireDone(units.size() == 2);
        flaw = hidden(units);
      }
      if (flaw.isEmpty()) {
        boolean some = task.generate().iterator().hasNext();
        flaw = flaw(told, ours);
        requireDone(some || !flaw.isEmpty() || units.stream().noneMatch(TestCompiler::declares));
      }
      return flaw;
    }
  }

  /** A compiler that is out of stack, or of memory, has nothing and tells no error. */
  private static void requireDone(boolean done) {
    if (!done) {
      throw new IllegalStateException("no error told");
    }
  }

  private static boolean declares(CompilationUnitTree unit) {
    return unit.getTypeDecls().stream().anyMatch(ClassTree.class::isInstance);
  }

  /** The first error; empty if there is none. */
  private static String flaw(DiagnosticCollector<JavaFileObject> told, Text tests) {
    return told.getDiagnostics().stream()
        .filter(each -> each.getKind() == Diagnostic.Kind.ERROR)
        .findFirst()
        .map(
            each ->
                (each.getSource() == tests ? "against the tests, line " : "line ")
                    + each.getLineNumber()
                    + ": "
                    + each.getMessage(Locale.ROOT))
        .orElse("");
  }

  /** Names a class of the completion that the tests would take for the JDK's. */
  private static String hidden(List<CompilationUnitTree> units) {
    CompilationUnitTree completion = units.getFirst();
    if (!packageOf(completion).equals(packageOf(units.getLast()))) {
      return "";
    }
    return completion.getTypeDecls().stream()
        .filter(ClassTree.class::isInstance)
        .map(type -> ((ClassTree) type).getSimpleName().toString())
        .filter(TestCompiler::isCheckedWith)
        .findFirst()
        .map(name -> "it declares " + name + ", which its tests would take for the JDK's")
        .orElse("");
  }

  private static boolean isCheckedWith(String name) {
    return NAMES_OF_THE_JDK.contains(name)
        || isThrown("java.lang." + name)
        || isThrown("java.util." + name);
  }

  private static boolean isThrown(String name) {
    try {
      return Throwable.class.isAssignableFrom(Class.forName(name, false, null));
    } catch (ClassNotFoundException e) {
      return false;
    }
  }

  private static String packageOf(CompilationUnitTree unit) {
    return String.valueOf(unit.getPackageName());
  }

  /** The classes that the tests declare, loaded and not initialised. */
  List<Class<?>> load() throws ClassNotFoundException {
    Loader loader = new Loader(classes);
    List<Class<?>> loaded = new ArrayList<>();
    for (String name : ofTests) {
      loaded.add(Class.forName(name, false, loader));
    }
    return loaded;
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

  /** Keeps class files in memory, and knows which are the tests'. */
  static final class Memory extends ForwardingJavaFileManager<StandardJavaFileManager> {
    private final TestCompiler compiled;
    private final Text tests;

    Memory(StandardJavaFileManager standard, TestCompiler compiled, Text tests) {
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
      super.setDefaultAssertionStatus(true);
    }

    /** Assertions stay on: a completion is no one to say what its tests assert. */
    @Override
    public void setDefaultAssertionStatus(boolean enabled) {}

    @Override
    public void setPackageAssertionStatus(String packageName, boolean enabled) {}

    @Override
    public void setClassAssertionStatus(String className, boolean enabled) {}

    @Override
    public void clearAssertionStatus() {}

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
