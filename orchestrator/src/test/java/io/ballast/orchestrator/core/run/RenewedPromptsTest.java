package io.ballast.orchestrator.core.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.spec.GroupedPrompts;
import io.ballast.orchestrator.testing.FakeWorld;
import io.ballast.orchestrator.testing.InMemoryRunStore;
import io.ballast.orchestrator.testing.TestClock;
import io.ballast.orchestrator.testing.TestDatabase;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Of two who resume at once the first one's prompts stand, in every store. */
class RenewedPromptsTest {
  private static final String RUN_ID = "0a1b2c3d-0000-4000-8000-000000000000";
  private static final List<String> TRAINING = List.of("int a");

  static Stream<RunStore> stores() {
    return Stream.of(new InMemoryRunStore(new TestClock()), TestDatabase.create().runs());
  }

  @ParameterizedTest
  @MethodSource("stores")
  void promptsStayIfTheRunDoes(RunStore store) {
    Run run =
        new Run(
            RUN_ID,
            "default",
            "race",
            "name: race",
            new PinnedVersion("tiny", "1", FakeWorld.sha("base")),
            3,
            TestClock.START,
            RunProgress.queued());
    var created =
        store.create(
            new RunStore.NewRun(
                run, "", "fingerprint", prompts("long x", "long y"), LoopState.initial(List.of())));
    var failed = store.change(RUN_ID, stored -> stored.failed("its test was aborted"));

    // both saw it FAILED; the second comes when the first has queued it
    Run first = store.renew(RUN_ID, Run::resume, prompts("long v", "long w"));
    Run second = store.renew(RUN_ID, Run::resume, prompts("long t", "long u"));

    assertThat(first.state()).isEqualTo(RunState.QUEUED);
    assertThat(second).isEqualTo(first);
    assertThat(store.prompts(RUN_ID)).isEqualTo(prompts("long v", "long w"));
  }

  private static PromptSets prompts(String... test) {
    return new PromptSets(
        TRAINING, new GroupedPrompts(List.of(test), Collections.nCopies(test.length, "a file")));
  }
}
