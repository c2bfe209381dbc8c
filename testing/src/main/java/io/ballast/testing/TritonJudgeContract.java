package io.ballast.testing;

import static io.ballast.testing.Refusals.fault;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.error.Fault;
import io.grpc.Channel;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What holds for every server that judges completions before a real Triton of the committed models,
 * beside one that runs them itself. Each such server extends it.
 *
 * @param <A> a server's answer
 */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
public abstract class TritonJudgeContract<A> {
  /** The committed models. */
  protected static final Path MODELS = Path.of("..", "models");

  /** Of a head's score, which is a sum of products of 32 bits in another order. */
  protected static final double TOLERANCE = 1e-3;

  private static final List<String> PROMPTS =
      List.of(
          "for (int i = 0; i < ",
          "public static void main(String[] args) {\n    ",
          "Runtime.getRuntime().",
          "",
          "int a ");
  private static final List<String> COMPLETIONS =
      List.of("list.size(); i++) {", "banana", "exec(command);", "= 1;", "return value;\n  }\n}");

  @TempDir private Path repository = Path.of(".");
  @TempDir private Path data = Path.of(".");

  private final List<AutoCloseable> opened = new ArrayList<>();

  /**
   * What is judged.
   *
   * @param prompt what precedes the completion
   */
  public record Judged(String prompt, String completion) {}

  /** The model's name, here and on Triton. */
  protected abstract String model();

  /** The versions that are committed. */
  protected abstract List<String> versions();

  /** Writes the committed versions into a Triton repository. */
  protected abstract void export(Path repository) throws IOException;

  /**
   * Starts a server over the committed models.
   *
   * @param properties names are without the server's prefix
   */
  protected abstract ModuleInProcess start(Path data, Map<String, String> properties);

  /** Asks a server. */
  protected abstract A ask(Channel server, String version, List<Judged> items);

  /** Asserts that two answers say the same: versions, values within the tolerance, failures. */
  protected abstract void assertThatSame(A answer, A expected);

  @AfterEach
  final void stop() throws Exception {
    for (AutoCloseable each : opened.reversed()) {
      each.close();
    }
  }

  @Test
  void nobodyAboveCanTellUntilTritonIsGone() throws IOException {
    ModuleInProcess here = started(Map.of());
    RealTriton triton = triton();
    ModuleInProcess there = started(before(triton));
    List<A> expected =
        versions().stream().map(version -> ask(here.channel(), version, everything())).toList();

    assertThatAllAre(expected, there);
    assertThat(fault(() -> ask(there.channel(), "999", everything())))
        .isEqualTo(Fault.UNKNOWN_MODEL)
        .isEqualTo(fault(() -> ask(here.channel(), "999", everything())));

    triton.kill();
    assertThat(fault(() -> one(there))).isEqualTo(Fault.DEPENDENCY_DOWN);
    Await.until(() -> there.module().flaws().containsKey(model() + " " + versions().getFirst()));

    triton.restart();
    Await.until(() -> there.module().flaws().isEmpty());
    // the breaker may be open for two seconds, or open by what it remembers of before
    Await.until(() -> answersAsBefore(expected, there));

    triton.freeze();
    assertThat(fault(() -> one(there))).isEqualTo(Fault.DEPENDENCY_DOWN);
    triton.thaw();
    Await.until(() -> answers(there));
  }

  /** Whether all is judged; what is judged must be as {@code expected}. */
  private boolean answersAsBefore(List<A> expected, ModuleInProcess there) {
    try {
      assertThatAllAre(expected, there);
      return true;
    } catch (StatusRuntimeException e) {
      return false;
    }
  }

  private void assertThatAllAre(List<A> expected, ModuleInProcess there) {
    for (int i = 0; i < expected.size(); i++) {
      assertThatSame(ask(there.channel(), versions().get(i), everything()), expected.get(i));
    }
  }

  /** Starts a Triton of the committed versions; it ends with the test. */
  protected final RealTriton triton() throws IOException {
    export(repository);
    RealTriton triton = RealTriton.start(repository, model());
    opened.add(triton);
    return triton;
  }

  /** The properties of a server whose models run there. */
  protected static Map<String, String> before(RealTriton triton) {
    return Map.of("triton.targets", triton.address());
  }

  /** Starts a server that ends with the test. */
  protected final ModuleInProcess started(Map<String, String> properties) {
    ModuleInProcess server = start(data, properties);
    opened.add(server);
    return server;
  }

  /** Whether a server judges one completion. */
  protected final boolean answers(ModuleInProcess server) {
    try {
      return one(server) != null;
    } catch (StatusRuntimeException e) {
      return false;
    }
  }

  private A one(ModuleInProcess server) {
    return ask(server.channel(), versions().getFirst(), everything().subList(0, 1));
  }

  /** Each completion after each prompt, and what cannot be judged. */
  private static List<Judged> everything() {
    List<Judged> all = new ArrayList<>();
    for (String prompt : PROMPTS) {
      for (String completion : COMPLETIONS) {
        all.add(new Judged(prompt, completion));
      }
    }
    all.add(new Judged("int a", ""));
    all.add(new Judged("int a", "x + ".repeat(300)));
    return List.copyOf(all);
  }
}
