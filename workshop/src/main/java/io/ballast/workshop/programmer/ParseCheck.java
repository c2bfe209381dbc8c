package io.ballast.workshop.programmer;

import com.sun.source.util.JavacTask;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.tools.Diagnostic;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/**
 * Says whether a source file still parses: the harm of a suggestion that nobody can argue about.
 *
 * <p>Uses the JDK's own compiler, parsing only: names and types may be wrong. The language is that
 * of Java 21, in which methods outside a class are an error. One thread at a time.
 */
public final class ParseCheck implements AutoCloseable {
  private static final List<String> OPTIONS = List.of("-source", "21", "-proc:none", "-Xlint:none");

  private final JavaCompiler compiler;
  private final StandardJavaFileManager files;

  /**
   * @throws IllegalStateException if the running Java has no compiler (a JRE, not a JDK)
   */
  public ParseCheck() {
    JavaCompiler found = ToolProvider.getSystemJavaCompiler();
    if (found == null) {
      throw new IllegalStateException("this Java has no compiler: run with a JDK");
    }
    this.compiler = found;
    this.files = compiler.getStandardFileManager(null, Locale.ROOT, StandardCharsets.UTF_8);
  }

  /** Returns whether {@code source} is a syntactically correct compilation unit. */
  public boolean parses(String source) {
    AtomicBoolean correct = new AtomicBoolean(true);
    JavaCompiler.CompilationTask task =
        compiler.getTask(
            Writer.nullWriter(),
            files,
            diagnostic -> {
              if (diagnostic.getKind() == Diagnostic.Kind.ERROR) {
                correct.set(false);
              }
            },
            OPTIONS,
            null,
            List.of(new InMemory(source)));
    try {
      ((JavacTask) task).parse();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return correct.get();
  }

  /**
   * Returns whether the file of {@code position} no longer parses with {@code suggestion}'s first
   * line in place of what it really says. False for the truth, whatever the file.
   */
  public boolean breaks(Position position, String suggestion) {
    return !Position.firstLine(suggestion).stripTrailing().equals(position.truth())
        && !parses(position.fileWith(suggestion));
  }

  @Override
  public void close() {
    try {
      files.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
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
