package io.ballast.workshop.programmer;

import com.sun.source.util.JavacTask;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
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
 *
 * <p>Most of a parse's time is the compiler's preparation. Many sources are therefore given to one
 * compiler: each is still parsed whole and alone, and an error is known by its source.
 */
public final class ParseCheck implements AutoCloseable {
  /** Without {@code -Xmaxerrs} a compiler falls silent after a hundred errors. */
  private static final List<String> OPTIONS =
      List.of("-source", "21", "-proc:none", "-Xlint:none", "-Xmaxerrs", "1000000000");

  /** As many syntax trees are in memory at a time. */
  private static final int SOURCES_AT_A_TIME = 64;

  /**
   * A suggestion to try.
   *
   * @param position where
   * @param suggestion its first line counts
   */
  public record Trial(Position position, String suggestion) {}

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
    return broken(List.of(source)).isEmpty();
  }

  /** Returns the indices of those {@code sources} that do not parse. */
  public BitSet broken(List<String> sources) {
    BitSet broken = new BitSet(sources.size());
    for (int first = 0; first < sources.size(); first += SOURCES_AT_A_TIME) {
      int end = Math.min(sources.size(), first + SOURCES_AT_A_TIME);
      List<InMemory> units = new ArrayList<>();
      for (int i = first; i < end; i++) {
        units.add(new InMemory(i, sources.get(i)));
      }
      parse(units, broken);
    }
    return broken;
  }

  private void parse(List<InMemory> units, BitSet broken) {
    JavaCompiler.CompilationTask task =
        compiler.getTask(
            Writer.nullWriter(),
            files,
            diagnostic -> {
              if (diagnostic.getKind() == Diagnostic.Kind.ERROR) {
                broken.set(((InMemory) diagnostic.getSource()).index);
              }
            },
            OPTIONS,
            null,
            units);
    try {
      ((JavacTask) task).parse();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Returns whether the file of {@code position} no longer parses with {@code suggestion}'s first
   * line in place of what it really says. False for the truth, whatever the file.
   */
  public boolean breaks(Position position, String suggestion) {
    return breaks(List.of(new Trial(position, suggestion))).get(0);
  }

  /** Returns the indices of those {@code trials} that break their files; equal ones cost once. */
  public BitSet breaks(List<Trial> trials) {
    Map<Trial, Integer> indices = new LinkedHashMap<>();
    for (Trial trial : trials) {
      if (!isTruth(trial)) {
        indices.putIfAbsent(trial, indices.size());
      }
    }
    BitSet broken =
        broken(
            indices.keySet().stream()
                .map(trial -> trial.position().fileWith(trial.suggestion()))
                .toList());
    BitSet breaking = new BitSet(trials.size());
    for (int i = 0; i < trials.size(); i++) {
      Integer index = indices.get(trials.get(i));
      breaking.set(i, index != null && broken.get(index));
    }
    return breaking;
  }

  private static boolean isTruth(Trial trial) {
    String offered = Position.firstLine(trial.suggestion()).stripTrailing();
    return offered.equals(trial.position().truth());
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
    private final int index;
    private final String source;

    InMemory(int index, String source) {
      super(URI.create("memory:///Source" + index + ".java"), JavaFileObject.Kind.SOURCE);
      this.index = index;
      this.source = source;
    }

    @Override
    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
      return source;
    }
  }
}
