package io.ballast.orchestrator.adapter;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.inference.torch.PolicyAndCritic;
import io.ballast.inference.torch.TrainableCritic;
import io.ballast.inference.torch.TrainableDecoder;
import io.ballast.inference.torch.TrainingOptions;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.learner.CriticSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Finds the reward models that critics begin as, and refuses those that no critic could be. */
final class CriticFolders {
  private static final String MODEL = "critic.model";
  private static final String TOKENIZER = "tokenizer.json";

  private final ModelFolders folders;

  CriticFolders(ModelFolders folders) {
    this.folders = folders;
  }

  /**
   * The folder of a critic.
   *
   * @param folder verified by whoever loads it
   * @param parameterCount numbers in training
   */
  record Found(Path folder, long parameterCount) {}

  /**
   * Returns the classifier that {@code settings} name.
   *
   * @param policy whose completions it is to value
   * @throws MeshException UNKNOWN_MODEL; MALFORMED_REQUEST, naming the spec's key, if it is no
   *     sequence classifier on a decoder, has no such label, or reads other tokens or fewer than
   *     the policy; DEPENDENCY_DOWN if a tokenizer cannot be read
   */
  Found find(CriticSettings settings, Path policy, DecoderConfig policyConfig) {
    StoredModel stored = folders.stored(settings.model(), settings.version());
    String name = "%s/%s".formatted(settings.model(), settings.version());
    TrainableCritic.Description critic;
    try {
      critic = TrainableCritic.describe(stored.folder());
    } catch (ModelException e) {
      throw Faults.malformed(
          MODEL,
          "%s (expected: a sequence classifier on a decoder: %s)"
              .formatted(name, stored.withoutPath(String.valueOf(e.getMessage()))));
    }
    if (settings.label() >= critic.labels()) {
      throw Faults.malformed(
          "critic.label",
          "%d (expected: below %d, the labels of %s)"
              .formatted(settings.label(), critic.labels(), name));
    }
    DecoderConfig config = critic.config();
    if (config.contextTokens() < policyConfig.contextTokens()
        || config.vocabularySize() < policyConfig.vocabularySize()
        || !sameTokenizer(name, stored.folder(), policy)) {
      throw Faults.malformed(
          MODEL,
          "%s (expected: one with the tokenizer.json of the policy, at least its %,d ids and its context of %,d tokens: it reads what the policy writes)"
              .formatted(name, policyConfig.vocabularySize(), policyConfig.contextTokens()));
    }
    return new Found(stored.folder(), critic.parameterCount());
  }

  /**
   * Loads a critic beside {@code policy}, which does not stay open where that fails.
   *
   * @param folder of the critic; empty: there is none with a trunk of its own
   */
  static PolicyAndCritic beside(
      TrainableDecoder policy,
      Optional<Path> folder,
      Optional<CriticSettings> settings,
      TrainingOptions options,
      Arithmetic arithmetic) {
    if (folder.isEmpty()) {
      return new PolicyAndCritic(policy, null, 1);
    }
    CriticSettings critic = settings.orElseThrow();
    try {
      return new PolicyAndCritic(
          policy,
          TrainableCritic.load(folder.get(), critic.label(), arithmetic, options.optimizer()),
          critic.rate());
    } catch (ModelException e) {
      policy.close();
      StoredModel named = new StoredModel(critic.model(), critic.version(), folder.get());
      throw new ModelException(
          e.reason(), named.withoutPath(String.valueOf(e.getMessage())), e); // not of the policy
    } catch (RuntimeException | Error e) {
      policy.close();
      throw e;
    }
  }

  private static boolean sameTokenizer(String name, Path critic, Path policy) {
    try {
      return Files.isRegularFile(critic.resolve(TOKENIZER))
          && Files.mismatch(critic.resolve(TOKENIZER), policy.resolve(TOKENIZER)) == -1;
    } catch (IOException e) {
      throw new MeshException(
          Fault.DEPENDENCY_DOWN,
          "%s: its %s, or the policy's, cannot be read".formatted(name, TOKENIZER),
          e);
    }
  }
}
