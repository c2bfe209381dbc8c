package io.ballast.standalone.experiment;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The command says what there is, and what is missing, before it spends minutes. */
class ExperimentCommandTest {
  @TempDir Path home;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... args) {
    CommandLine line = new CommandLine(new ExperimentCommand(home, "", () -> 0L));
    line.setOut(new PrintWriter(out, true));
    line.setErr(new PrintWriter(err, true));
    return line.execute(args);
  }

  @Test
  void theListNamesEveryExperiment() {
    assertThat(run("--list")).isZero();
    assertThat(out.toString().lines()).hasSameSizeAs(Experiments.all());
    for (Experiment experiment : Experiments.all()) {
      assertThat(out.toString()).contains(experiment.name()).contains(experiment.summary());
      assertThat(experiment.name()).matches("[a-z]+(-[a-z]+)*");
      assertThat(Experiments.named(experiment.name())).contains(experiment);
    }
  }

  @Test
  void wrongUsageIsNamed() {
    assertThat(run()).isEqualTo(2);
    assertThat(err.toString()).contains("say which; --list names them");
    assertThat(run("nothing")).isEqualTo(2);
    assertThat(err.toString()).contains("no nothing (there are: algorithms, ensembles");
    assertThat(run("ensembles", "--seeds", "1")).isEqualTo(2);
    assertThat(err.toString()).contains("--seeds: 1 (expected: 2 to 100)");
    assertThat(run("algorithms", "--iterations", "1")).isEqualTo(2);
    assertThat(err.toString()).contains("--iterations: 1 (expected: 2 to 1,000)");
    assertThat(run("algorithms", "--algorithms", "PPO,BEST")).isEqualTo(2);
    assertThat(err.toString()).contains("'BEST'");
    assertThat(run("gate", "--algorithms", "PPO")).isEqualTo(2);
    assertThat(err.toString()).contains("--iterations and --algorithms are not of gate");
  }

  @Test
  void outsideTheCheckoutItSaysSo() {
    assertThat(run("ensembles")).isEqualTo(1);
    assertThat(run("algorithms")).isEqualTo(1);
    assertThat(err.toString()).contains("no such folder (run from the checkout");
  }
}
