package io.ballast.policy.testing;

import io.ballast.inference.api.GenerationRequest;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.policy.core.version.DecoderLoader;
import io.ballast.policy.core.version.FolderFacts;
import io.ballast.policy.core.version.LoadedDecoder;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.Function;

/** A folder of models with versions that tests publish; "java-tiny" has "1" from the start. */
public final class FakeModels implements DecoderLoader {
  public static final String MODEL = "java-tiny";

  private final Map<String, Function<GenerationRequest, String>> scripts =
      new ConcurrentHashMap<>();
  private final Set<String> corrupt = ConcurrentHashMap.newKeySet();
  private final Map<String, String> repacked = new ConcurrentHashMap<>();

  /** Every load, in order, as {@code model/version}. */
  public final List<String> loads = new CopyOnWriteArrayList<>();

  /** Every decoder that was loaded, by {@code model/version}; the last one of each. */
  public final Map<String, FakeDecoder> decoders = new ConcurrentHashMap<>();

  /** How many characters the tokenizer of what is loaded from now on knows. */
  public volatile int vocabularySize = CharacterTokenizer.VOCABULARY;

  /** How many decoders there is memory for. */
  public volatile int room = Integer.MAX_VALUE;

  /** What a load waits for. */
  public volatile CountDownLatch gate = new CountDownLatch(0);

  private final List<FakeDecoder> all = new CopyOnWriteArrayList<>();

  public FakeModels() {
    publish("1", request -> "suggestion by 1;");
  }

  /** Publishes a version of "java-tiny" that completes by {@code script}. */
  public void publish(String version, Function<GenerationRequest, String> script) {
    scripts.put(MODEL + "/" + version, script);
  }

  /** Publishes version 1 of another model. */
  public void publishModel(String model, Function<GenerationRequest, String> script) {
    scripts.put(model + "/1", script);
  }

  /** Damages a published version. */
  public void damage(String version) {
    corrupt.add(MODEL + "/" + version);
  }

  /** Gives a published version another tokenizer, and so another folder; returns its checksum. */
  public String repack(String version, String tokenizer) {
    String folder = folderSha256Of(MODEL, version + " with " + tokenizer);
    repacked.put(MODEL + "/" + version, folder);
    return folder;
  }

  /** Undoes {@link #repack}. */
  public void mend(String version) {
    repacked.remove(MODEL + "/" + version);
  }

  /** The checksum of a version's weights. */
  public static String sha256(String version) {
    return "%064x".formatted(version.hashCode());
  }

  /** The checksum of a version's folder as it is published. */
  public static String folderSha256Of(String model, String version) {
    return "%064x".formatted(("folder " + model + "/" + version).hashCode() & 0xFFFF_FFFFL);
  }

  @Override
  public String folderSha256(String model, String version) {
    return repacked.getOrDefault(model + "/" + version, folderSha256Of(model, version));
  }

  /** The decoder that a version was last loaded into. */
  public FakeDecoder decoder(String version) {
    FakeDecoder decoder = decoders.get(MODEL + "/" + version);
    if (decoder == null) {
      throw new AssertionError("version " + version + " was never loaded");
    }
    return decoder;
  }

  @Override
  public FolderFacts inspect(String model, String version) {
    String name = model + "/" + version;
    if (!scripts.containsKey(name)) {
      throw new MeshException(Fault.UNKNOWN_MODEL, "no model folder " + name);
    }
    if (corrupt.contains(name)) {
      throw new MeshException(Fault.CORRUPT_WEIGHTS, name + ": the checksum differs");
    }
    return new FolderFacts(sha256(version), 3_500_000, FakeDecoder.CONTEXT_TOKENS);
  }

  @Override
  public LoadedDecoder load(PinnedVersion version) {
    String name = version.model() + "/" + version.version();
    var unused = inspect(version.model(), version.version());
    loads.add(name);
    awaitGate();
    if (all.stream().filter(decoder -> !decoder.isClosed()).count() >= room) {
      throw new MeshException(Fault.OVERLOADED, name + ": needs 1 MiB, 0 MiB are free");
    }
    Function<GenerationRequest, String> script = scripts.get(name);
    if (script == null) {
      throw new MeshException(Fault.UNKNOWN_MODEL, "no model folder " + name);
    }
    FakeDecoder decoder = new FakeDecoder(script, vocabularySize);
    decoders.put(name, decoder);
    all.add(decoder);
    return new LoadedDecoder(decoder, folderSha256(version.model(), version.version()));
  }

  private void awaitGate() {
    try {
      gate.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }
}
