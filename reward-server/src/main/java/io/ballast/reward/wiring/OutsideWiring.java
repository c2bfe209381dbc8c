package io.ballast.reward.wiring;

import io.ballast.kit.runtime.MeshRuntime;
import io.ballast.reward.adapter.NamedRemotes;
import io.ballast.reward.adapter.SandboxedTests;
import io.ballast.reward.component.JavaTestRunner;
import io.ballast.reward.component.JavaTestSettings;
import io.ballast.reward.component.Outside;
import io.ballast.reward.config.ComponentConfig;
import java.io.IOException;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Builds what components ask outside of the server. */
final class OutsideWiring {
  private static final Logger LOG = LoggerFactory.getLogger(OutsideWiring.class);
  private static final String OFF = "this server runs no unit tests: ";

  private OutsideWiring() {}

  static Outside open(ComponentConfig config, MeshRuntime runtime) {
    return new Outside(
        new NamedRemotes(
            config.remotes(),
            System::getenv,
            runtime.clock(),
            runtime.nanoTime(),
            runtime.meters(),
            runtime.telemetry()),
        config.javaTests().map(settings -> tests(settings, runtime)).orElse(Outside.NO_TESTS));
  }

  /** Tries it once: whoever enabled it should hear at the start that it cannot be. */
  private static JavaTestRunner tests(JavaTestSettings settings, MeshRuntime runtime) {
    try {
      SandboxedTests tests = new SandboxedTests(settings, runtime.nanoTime());
      Optional<String> flaw = tests.flaw();
      if (flaw.isEmpty()) {
        return tests;
      }
      tests.close();
      LOG.error(OFF + flaw.get());
      return JavaTestRunner.off(OFF + flaw.get());
    } catch (IOException e) {
      LOG.error(OFF + "its files cannot be written", e);
      return JavaTestRunner.off(OFF + "its files cannot be written");
    }
  }
}
