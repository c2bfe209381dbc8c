package io.ballast.reward;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.scoring.ScoringSource;
import io.ballast.kit.call.VersionSelector;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.reward.config.RewardConfig;
import io.ballast.reward.core.CompletionScores;
import io.ballast.reward.core.Ensemble;
import io.ballast.reward.core.EnsembleCatalog;
import io.ballast.reward.testing.FakeEnsembles;
import io.ballast.reward.testing.TestReward;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What the catalog does about ensembles elsewhere that cannot be asked. */
class EnsembleCatalogTest {
  /** Three names are elsewhere; what is looked for first fails. */
  private static final class Elsewhere implements ScoringSource<Ensemble, CompletionScores> {
    private final FakeEnsembles there = new FakeEnsembles();
    private final List<String> done = new ArrayList<>();

    @Override
    public List<Ensemble> list() {
      return there.list();
    }

    @Override
    public boolean isElsewhere(String model) {
      return true;
    }

    @Override
    public void refresh(String model) {
      done.add(model);
      if (model.equals("a")) {
        throw new MeshException(Fault.DEPENDENCY_DOWN, "breaker open");
      }
    }

    @Override
    public Map<String, String> flaws() {
      return Map.of("a 1", "away", "a 2", "away", "b", "away", "java-reward 1", "away");
    }

    @Override
    public Opened<CompletionScores> open(Ensemble ensemble) {
      done.add("open " + ensemble.id().version());
      return there.open(ensemble);
    }
  }

  @Test
  void servingTurnsOnlyToWhatCanBeLoaded() {
    RewardConfig config = TestReward.config(Map.of());
    try (EnsembleCatalog catalog =
        new EnsembleCatalog(
            new FakeEnsembles(), config.settings(), config.queue(), System::nanoTime)) {
      assertThat(catalog.turn(Map.of("java-reward", "2", "nobody", "1")))
          .containsEntry("java-reward", "model.safetensors: SHA-256 differs")
          .containsKey("nobody");
      assertThat(catalog.resolve(VersionSelector.alias("", "serving")).id().version())
          .isEqualTo("1");
      assertThat(catalog.turn(Map.of("java-reward", "1"))).isEmpty();
    }
  }

  /** Two versions that can be loaded, of which the first ones may be taken away. */
  private static final class Loadable implements ScoringSource<Ensemble, CompletionScores> {
    private final FakeEnsembles there = new FakeEnsembles();
    private final List<String> opened = new ArrayList<>();
    private int gone;

    @Override
    public List<Ensemble> list() {
      return there.list().subList(gone, 2);
    }

    @Override
    public Opened<CompletionScores> open(Ensemble ensemble) {
      opened.add(ensemble.id().version());
      return there.open(there.list().getFirst());
    }
  }

  @Test
  void servingGoesBackOnlyAfterWhatServedBeforeIsLoadedAgain() {
    Loadable source = new Loadable();
    RewardConfig config = TestReward.config(Map.of());
    try (EnsembleCatalog catalog =
        new EnsembleCatalog(source, config.settings(), config.queue(), System::nanoTime)) {
      assertThat(catalog.warmUp()).isEmpty();
      assertThat(catalog.turn(Map.of("java-reward", "2"))).isEmpty();
      assertThat(catalog.turn(Map.of())).isEmpty();
      assertThat(source.opened).containsExactly("1", "2", "1");

      assertThat(catalog.turn(Map.of("java-reward", "2"))).isEmpty();
      source.gone = 1;
      assertThat(catalog.turn(Map.of())).containsOnlyKeys("java-reward");
      assertThat(catalog.resolve(VersionSelector.alias("", "serving")).id().version())
          .isEqualTo("2");
      source.gone = 2;
      assertThat(catalog.turn(Map.of())).as("nobody names it, and nobody has it").isEmpty();
    }
  }

  @Test
  void whatCannotBeLookedForKeepsNobodyFromTheRest() {
    Elsewhere source = new Elsewhere();
    RewardConfig config = TestReward.config(Map.of());
    try (EnsembleCatalog catalog =
        new EnsembleCatalog(source, config.settings(), config.queue(), System::nanoTime)) {
      catalog.retry();

      assertThat(source.done).containsExactlyInAnyOrder("a", "b", "java-reward", "open 1");
      assertThat(source.done).last().isEqualTo("open 1");
    }
  }
}
