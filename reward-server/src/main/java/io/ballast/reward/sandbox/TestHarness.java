package io.ballast.reward.sandbox;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * The process that compiles a completion with its tests and runs them. It reads a secret and both
 * sources from its input, gives up what no test needs ({@link SystemCalls}), and reports where
 * untrusted code cannot write, in lines that begin with the secret. It is a module of its own,
 * which opens nothing: reflection does not reach it.
 */
public final class TestHarness {
  /** What completions and tests see of the JDK: nothing with a way out of the process. */
  public static final String MODULES = "java.base,java.logging,java.sql,java.xml";

  /** Of the program's argument: files may be changed. */
  public static final String FILES = "files";

  /** Of the program's argument: no file may be changed. */
  public static final String NO_FILES = "no-files";

  /** What no test needs could not be given up, and nothing runs: then why. */
  public static final String UNGUARDED = "unguarded";

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

  /** All that runs beside untrusted code. */
  public static List<Class<?>> classes() {
    return Stream.<Class<?>>of(
            TestHarness.class, TestCompiler.class, SystemCalls.class, SystemCall.class)
        .flatMap(
            each ->
                Stream.concat(Stream.<Class<?>>of(each), Arrays.stream(each.getDeclaredClasses())))
        .toList();
  }

  /** Runs once. */
  public static void main(String[] args) throws IOException {
    try {
      DataInputStream in = new DataInputStream(new BufferedInputStream(System.in));
      String secret = in.readUTF();
      String source = text(in);
      String tests = text(in);
      System.setIn(InputStream.nullInputStream());
      Report report;
      SystemCalls calls;
      try {
        calls = SystemCalls.open();
        report = new Report(calls, calls.hideOutput(), secret);
      } catch (Throwable e) { // of the linker, too
        try (FileOutputStream out = new FileOutputStream(FileDescriptor.out)) {
          out.write(Report.line(secret, UNGUARDED, words(e)).getBytes(StandardCharsets.UTF_8));
        }
        return;
      }
      try {
        calls.giveUp(args[0].equals(FILES));
      } catch (IllegalStateException e) {
        report.say(UNGUARDED, words(e));
        return;
      }
      System.setOut(silent());
      System.setErr(silent());
      judge(source, tests, report);
    } finally {
      Runtime.getRuntime().halt(0); // whatever threads there are
    }
  }

  private static PrintStream silent() {
    return new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);
  }

  private static void judge(String source, String tests, Report report) {
    report.say(READY, "");
    TestCompiler compiler = new TestCompiler();
    try {
      String flaw = compiler.compile(source, tests);
      if (!flaw.isEmpty()) {
        report.say(NOT_COMPILED, flaw);
        return;
      }
    } catch (Throwable e) { // javac breaks with errors, too, such as no more stack
      report.say(BROKEN, words(e));
      return;
    }
    report.say(BEGUN, "");
    run(compiler, report);
  }

  private static String text(DataInputStream in) throws IOException {
    byte[] bytes = new byte[in.readInt()];
    in.readFully(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /**
   * Where the server reads.
   *
   * @param file as the system numbers it
   */
  private record Report(SystemCalls calls, int file, String secret) {
    void say(String word, String rest) {
      calls.write(file, line(secret, word, rest).getBytes(StandardCharsets.UTF_8));
    }

    static String line(String secret, String word, String rest) {
      String line = rest.lines().findFirst().orElse("");
      return "\n"
          + secret
          + " "
          + word
          + " "
          + line.substring(0, Math.min(line.length(), SHOWN_CHARACTERS))
          + "\n";
    }
  }

  private static void run(TestCompiler compiled, Report report) {
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
      report.say(NO_TESTS, "");
    } else {
      report.say(RAN, passed + " " + all + " " + first);
    }
  }

  private static List<Method> tests(TestCompiler compiled) throws ClassNotFoundException {
    List<Method> tests = new ArrayList<>();
    for (Class<?> type : compiled.load()) {
      for (Method method : type.getDeclaredMethods()) {
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
}
