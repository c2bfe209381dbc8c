package io.ballast.policy.adapter;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.memory.MemoryBudget;
import io.ballast.inference.torch.DecoderCopy;
import io.ballast.inference.torch.HandedCopies;
import io.ballast.inference.torch.KeptVocabulary;
import io.ballast.inference.torch.ServingOptions;
import io.ballast.inference.torch.TorchDecoder;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.policy.core.ModelFaults;
import io.ballast.policy.core.version.DecoderLoader;
import io.ballast.policy.core.version.FolderFacts;
import io.ballast.policy.core.version.LoadedDecoder;
import java.util.Optional;

/**
 * Versions that another server of this process has handed over, and behind them those of another
 * loader. A version is the same by either way: its weights, its checksums and what it draws.
 * Thread-safe.
 */
public final class HandedDecoders implements DecoderLoader {
  private final HandedCopies copies;
  private final DecoderLoader others;
  private final ServingOptions serving;
  private final MemoryBudget memory;
  private final KeptVocabulary vocabulary;

  /**
   * @param others has all versions that were not handed over
   * @param serving how much one decoder takes on at once
   * @param memory what all decoders of this process may take; the copies are the giver's
   * @param vocabulary kept for the next that has the same tokenizer
   */
  public HandedDecoders(
      HandedCopies copies,
      DecoderLoader others,
      ServingOptions serving,
      MemoryBudget memory,
      KeptVocabulary vocabulary) {
    this.copies = copies;
    this.others = others;
    this.serving = serving;
    this.memory = memory;
    this.vocabulary = vocabulary;
  }

  @Override
  public FolderFacts inspect(String model, String version) {
    Optional<HandedCopies.Hold> handed = copies.find(model, version);
    if (handed.isEmpty()) {
      return others.inspect(model, version);
    }
    try (HandedCopies.Hold hold = handed.get()) {
      DecoderCopy copy = hold.copy();
      return new FolderFacts(
          copy.weightsSha256(), copy.config().parameterCount(), copy.config().contextTokens());
    }
  }

  @Override
  public String folderSha256(String model, String version) {
    Optional<HandedCopies.Hold> handed = copies.find(model, version);
    if (handed.isEmpty()) {
      return others.folderSha256(model, version);
    }
    try (HandedCopies.Hold hold = handed.get()) {
      return hold.copy().contentSha256();
    }
  }

  @Override
  public LoadedDecoder load(PinnedVersion version) {
    Optional<HandedCopies.Hold> handed = copies.find(version.model(), version.version());
    if (handed.isEmpty()) {
      return others.load(version);
    }
    try (HandedCopies.Hold hold = handed.get()) {
      return load(version, hold.copy());
    }
  }

  private LoadedDecoder load(PinnedVersion version, DecoderCopy copy) {
    String name = version.model() + "/" + version.version();
    FolderDecoders.requireRegistered(version, copy.weightsSha256());
    FolderDecoders.requireFitsAlone(name, copy.config(), serving, memory);
    try {
      return new LoadedDecoder(
          TorchDecoder.load(copy, serving, name, memory, vocabulary), copy.contentSha256());
    } catch (ModelException e) {
      throw ModelFaults.toCallFailure(
          e, message -> message.replace(copy.tokenizer().toString(), name + "/tokenizer.json"));
    }
  }
}
