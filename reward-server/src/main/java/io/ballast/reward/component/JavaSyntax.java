package io.ballast.reward.component;

import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.util.JavacTask;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import javax.tools.Diagnostic;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.jspecify.annotations.Nullable;

/**
 * Whether texts are Java, by the JDK's own compiler, parsing only: names and types may be wrong.
 * The language is that of Java 21, in which methods outside a class are an error.
 */
final class JavaSyntax {
  private static final List<String> OPTIONS =
      List.of("-source", "21", "-proc:none", "-Xlint:none", "-Xmaxerrs", "1");

  private JavaSyntax() {}

  /**
   * The first error of a compilation unit; empty if it parses.
   *
   * @param shape what else is wrong with one that parses; null: nothing
   * @throws MeshException PRECONDITION_FAILED if this Java has no compiler
   * @throws StackOverflowError if it is nested too deeply
   */
  static Optional<String> flaw(
      String source, Function<CompilationUnitTree, @Nullable String> shape) {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    if (compiler == null) {
      throw new MeshException(
          Fault.PRECONDITION_FAILED, "the server's Java has no compiler: run it with a JDK");
    }
    AtomicReference<String> first = new AtomicReference<>("");
    JavaCompiler.CompilationTask task =
        compiler.getTask(
            Writer.nullWriter(),
            null,
            diagnostic -> {
              if (diagnostic.getKind() == Diagnostic.Kind.ERROR) {
                first.compareAndSet(
                    "",
                    "line %d: %s"
                        .formatted(diagnostic.getLineNumber(), diagnostic.getMessage(Locale.ROOT)));
              }
            },
            OPTIONS,
            null,
            List.of(new InMemory(source)));
    try {
      for (CompilationUnitTree unit : ((JavacTask) task).parse()) {
        String flaw = first.get().isEmpty() ? shape.apply(unit) : null;
        first.compareAndSet("", flaw == null ? "" : flaw);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (IllegalStateException e) {
      if (e.getCause() instanceof StackOverflowError deep) {
        throw deep;
      }
      throw e;
    }
    return Optional.of(first.get()).filter(flaw -> !flaw.isEmpty());
  }

  private static final class InMemory extends SimpleJavaFileObject {
    private final String source;

    InMemory(String source) {
      super(URI.create("memory:///Source.java"), JavaFileObject.Kind.SOURCE);
      this.source = source;
    }

    @Override
    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
      return source;
    }
  }
}
