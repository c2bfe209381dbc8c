package io.ballast.reward.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.reward.component.RemoteSettings;
import io.ballast.testing.HeardLog;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.logging.Level;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What goes to another machine unencrypted is told at the start, and no token of it. */
class NamedRemotesTest {
  /** An address of a net that is for documentation: nobody has it. */
  private static final String ELSEWHERE = "192.0.2.1";

  private static final String TOKEN = "s3cret";

  @Test
  void aTokenThatWouldBeReadOnTheWayIsToldWithTheMend() {
    assertThat(warned(settings(ELSEWHERE + ":9100", true, false)))
        .containsExactly(
            "remote:far: prompts and completions, and its bearer token, go to another machine"
                + " unencrypted; ballast.reward.components.remotes.\"far\".tls=true encrypts");
    assertThat(warned(settings("http://" + ELSEWHERE + "/get_reward", false, false)))
        .containsExactly(
            "remote:far: prompts and completions go to another machine unencrypted;"
                + " ballast.reward.components.remotes.\"far\".target may be an https:// URL");
  }

  @ParameterizedTest
  @ValueSource(strings = {"127.0.0.1:9100", "[::1]:9100", "http://127.0.0.1:9/get_reward"})
  void onThisMachineNobodyReadsAlong(String target) {
    assertThat(warned(settings(target, true, false))).isEmpty();
  }

  @Test
  void nothingIsSaidOfWhatIsEncrypted() {
    assertThat(warned(settings(ELSEWHERE + ":9100", true, true))).isEmpty();
    assertThat(warned(settings("https://" + ELSEWHERE + "/get_reward", true, false))).isEmpty();
  }

  @Test
  void authoritiesThatCannotBeReadAreNamedAtTheStart() {
    RemoteSettings settings =
        new RemoteSettings(
            "judge:9100",
            Duration.ofSeconds(1),
            1,
            1,
            Optional.empty(),
            Optional.empty(),
            true,
            Optional.of(Path.of("there-is-none.pem")));

    assertThatThrownBy(() -> open(settings))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.PRECONDITION_FAILED))
        .hasMessageContaining("ballast.reward.components.remotes.\"far\".trusted-file")
        .hasMessageContaining("there-is-none.pem");
  }

  private static RemoteSettings settings(String target, boolean token, boolean tls) {
    return new RemoteSettings(
        target,
        Duration.ofSeconds(1),
        1,
        1,
        Optional.empty(),
        token ? Optional.of("TOKEN") : Optional.empty(),
        tls,
        Optional.empty());
  }

  private static List<String> warned(RemoteSettings settings) {
    try (HeardLog log = HeardLog.of(NamedRemotes.class.getName(), Level.WARNING)) {
      open(settings).close();
      assertThat(log.messages()).noneMatch(each -> each.contains(TOKEN));
      return log.messages();
    }
  }

  private static NamedRemotes open(RemoteSettings settings) {
    return new NamedRemotes(
        Map.of("far", settings),
        Map.of("TOKEN", TOKEN)::get,
        InstantSource.system(),
        System::nanoTime,
        new SimpleMeterRegistry(),
        OpenTelemetry.noop());
  }
}
