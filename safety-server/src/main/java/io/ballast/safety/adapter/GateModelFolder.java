package io.ballast.safety.adapter;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.store.ModelManifest;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.digest.Sha256;
import io.ballast.safety.core.gate.AcceptModel;
import io.ballast.safety.core.gate.GateSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Gate models on disk: {@code <name>/<version>/} with {@code gate.json}, {@code trees.ubj} (or
 * {@code trees.json}) and {@code ballast.json}, the checksums.
 */
public final class GateModelFolder {
  /** What the model says of itself. */
  public static final String CONFIG = "gate.json";

  /** The trees in XGBoost's UBJSON. */
  public static final String TREES = "trees.ubj";

  private static final String TREES_AS_JSON = "trees.json";
  private static final ObjectMapper JSON = new ObjectMapper();

  private GateModelFolder() {}

  /**
   * Writes a model: {@code gate.json}, the trees and the manifest.
   *
   * @param folder exists; within {@code ModelStore.publish} the one that it gives
   * @param trees XGBoost's UBJSON, {@code booster.toByteArray("ubj")}, of an objective whose margin
   *     is a log-odds of acceptance, such as {@code binary:logistic}
   * @param notes kept in the manifest
   * @throws ModelException INVALID_FOLDER if the trees take other features than {@code spec} names
   */
  public static void write(Path folder, GateSpec spec, byte[] trees, Map<String, String> notes)
      throws IOException {
    GradientBoostedTrees.load(trees, spec.features().size()).close();
    Files.write(folder.resolve(TREES), trees);
    Files.writeString(
        folder.resolve(CONFIG),
        JSON.writerWithDefaultPrettyPrinter().writeValueAsString(GateSpecJson.write(spec)) + "\n");
    var unused = ModelManifest.write(folder, notes);
  }

  /**
   * Returns what both folders of a pair carry: the digest of both stages' trees and of all that is
   * said of them, so that no other two are taken for this pair.
   *
   * @param one stage 1's, not yet paired
   * @param two stage 2's, not yet paired
   */
  public static String pair(GateSpec one, byte[] treesOne, GateSpec two, byte[] treesTwo) {
    return Sha256.of(
        String.join(
            "\n",
            GateSpecJson.write(one).toString(),
            Sha256.of(treesOne),
            GateSpecJson.write(two).toString(),
            Sha256.of(treesTwo)));
  }

  /** Whether {@code folder} holds a gate model, whole or not. */
  public static boolean isGateModel(Path folder) {
    return Files.isRegularFile(folder.resolve(CONFIG));
  }

  /**
   * Reads what the folder says, without the trees.
   *
   * @throws ModelException INVALID_FOLDER if {@code gate.json} is missing or is not what it should
   *     be
   */
  public static GateSpec readSpec(Path folder) {
    Path file = folder.resolve(CONFIG);
    if (!Files.isRegularFile(file)) {
      throw new ModelException(Reason.INVALID_FOLDER, file + ": the file is missing");
    }
    try {
      return GateSpecJson.read(JSON.readTree(file.toFile()));
    } catch (JsonProcessingException e) {
      throw new ModelException(
          Reason.INVALID_FOLDER, file + ": not JSON: " + e.getOriginalMessage(), e);
    } catch (IOException | IllegalArgumentException e) {
      throw new ModelException(Reason.INVALID_FOLDER, file + ": " + e.getMessage(), e);
    }
  }

  /**
   * Opens a model after comparing every file with its checksum.
   *
   * @param name the model's name
   * @param version its version
   * @throws ModelException CORRUPT_WEIGHTS if a checksum differs; INVALID_FOLDER if a file is
   *     missing, is not what it should be, or was trained on features that this build does not
   *     compute, naming the first
   */
  public static AcceptModel open(Path folder, String name, String version) {
    ModelManifest manifest =
        ModelManifest.read(folder)
            .orElseThrow(
                () ->
                    new ModelException(
                        Reason.INVALID_FOLDER,
                        folder.resolve(ModelManifest.FILE) + ": the file is missing"));
    manifest.verify(folder);
    GateSpec spec = readSpec(folder);
    requireKnownFeatures(folder.resolve(CONFIG), spec);
    String treesFile = Files.isRegularFile(folder.resolve(TREES)) ? TREES : TREES_AS_JSON;
    Path file = folder.resolve(treesFile);
    String sha = manifest.checksums().get(treesFile);
    if (sha == null) {
      throw new ModelException(
          Reason.INVALID_FOLDER,
          file + ": the file is missing, or has no checksum in the manifest");
    }
    try {
      return new Loaded(
          new PinnedVersion(name, version, sha),
          manifest.contentSha256(),
          spec,
          GradientBoostedTrees.load(Files.readAllBytes(file), spec.features().size()));
    } catch (IOException e) {
      throw new ModelException(Reason.INVALID_FOLDER, file + ": " + e.getMessage(), e);
    } catch (ModelException e) {
      throw new ModelException(e.reason(), file + ": " + e.getMessage(), e);
    }
  }

  private static void requireKnownFeatures(Path file, GateSpec spec) {
    List<String> expected = spec.featureSet().names(spec.stage());
    List<String> found = spec.features();
    for (int i = 0; i < Math.max(expected.size(), found.size()); i++) {
      String wanted = i < expected.size() ? expected.get(i) : "none";
      String given = i < found.size() ? found.get(i) : "none";
      if (!wanted.equals(given)) {
        throw new ModelException(
            Reason.INVALID_FOLDER,
            "%s: features[%d]: %s (expected: %s); train the gate again"
                .formatted(file, i, given, wanted));
      }
    }
  }

  private record Loaded(
      PinnedVersion id, String folderSha256, GateSpec spec, GradientBoostedTrees trees)
      implements AcceptModel {
    @Override
    public boolean asksFor(int index) {
      return trees.asksFor(index);
    }

    @Override
    public double logOdds(float[] features) {
      return trees.logOdds(features);
    }

    @Override
    public double[] contributions(float[] features) {
      return trees.contributions(features);
    }

    @Override
    public void close() {
      trees.close();
    }
  }
}
