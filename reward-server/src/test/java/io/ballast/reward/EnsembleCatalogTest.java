package io.ballast.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.scoring.OnBehalf;
import io.ballast.inference.scoring.ScoringSource;
import io.ballast.kit.call.PinnedVersion;
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
import java.util.Optional;
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

  /** Versions that tenants trained beside those that are everybody's. */
  private static final class Trained implements ScoringSource<Ensemble, CompletionScores> {
    private final FakeEnsembles there = new FakeEnsembles();
    private final List<Ensemble> versions = new ArrayList<>();

    private void add(String name, String version, String owner) {
      Ensemble like = there.list().getFirst();
      versions.add(
          new Ensemble(
              new PinnedVersion(name, version, version.repeat(64)),
              like.members(),
              like.promptTokens(),
              like.heldOutAccuracy(),
              like.objectives(),
              Optional.of(owner).filter(tenant -> !tenant.isEmpty())));
    }

    @Override
    public List<Ensemble> list() {
      return List.copyOf(versions);
    }

    @Override
    public Opened<CompletionScores> open(Ensemble ensemble) {
      return there.open(there.list().getFirst());
    }
  }

  private static String serving(EnsembleCatalog catalog, String name, String tenant) {
    return catalog
        .resolve(VersionSelector.alias(name, "serving"), new OnBehalf(tenant, false))
        .id()
        .version();
  }

  @Test
  void whatATenantTrainedServesNoOtherUnlessAnOperatorSaysSo() {
    Trained source = new Trained();
    source.add("java-reward", "1", "a"); // the operator's default
    source.add("house", "1", "");
    source.add("house", "2", "a");
    source.add("acme", "1", "a");
    RewardConfig config = TestReward.config(Map.of());
    try (EnsembleCatalog catalog =
        new EnsembleCatalog(source, config.settings(), config.queue(), System::nanoTime)) {
      OnBehalf b = new OnBehalf("b", false);
      assertThat(serving(catalog, "house", "a")).isEqualTo("2");
      assertThat(serving(catalog, "house", "b")).isEqualTo("1");
      assertThat(catalog.resolve(VersionSelector.alias("house", "serving")).id().version())
          .as("on nobody's behalf")
          .isEqualTo("2");
      assertThat(serving(catalog, "", "b")).as("the default").isEqualTo("1");
      assertThat(catalog.list(b))
          .extracting(each -> each.id().model() + "/" + each.id().version())
          .containsExactly("java-reward/1", "house/1");
      assertThatThrownBy(() -> catalog.resolve(VersionSelector.version("house", "2"), b))
          .hasMessage("reward_model.version: '2': house has no such version");
      assertThatThrownBy(() -> catalog.resolve(VersionSelector.version("acme", "1"), b))
          .hasMessage("reward_model.model: 'acme': there is no reward ensemble of this name");

      source.add("house", "3", ""); // while the server runs
      assertThat(serving(catalog, "house", "b")).as("no alias moves").isEqualTo("1");

      assertThat(catalog.turn(Map.of("house", "2", "acme", "1"))).isEmpty();
      assertThat(serving(catalog, "house", "b")).isEqualTo("2");
      assertThat(serving(catalog, "acme", "b")).isEqualTo("1");
      assertThat(catalog.turn(Map.of())).isEmpty();
      assertThat(serving(catalog, "house", "b")).isEqualTo("1");
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
