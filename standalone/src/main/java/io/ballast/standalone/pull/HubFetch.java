package io.ballast.standalone.pull;

import io.ballast.inference.onnx.EncoderFiles;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.WeightFiles;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.inference.torch.DecoderImport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Brings those files of a hub's repository that make up a model. */
final class HubFetch {
  private static final String CONFIG = "config.json";
  private static final String TOKENIZER = "tokenizer.json";

  /** Where repositories have the encoder that they mean. */
  private static final List<String> ENCODERS = List.of("onnx/model.onnx", "model.onnx");

  private final HubRepository repository;
  private final String name;
  private final String asked;
  private final Path here;
  private final PullProgress progress;

  /**
   * Brings files of a repository.
   *
   * @param asked the revision that was asked for
   * @param here where to; what an earlier try left there is used
   */
  HubFetch(HubRepository repository, String name, String asked, Path here, PullProgress progress) {
    this.repository = repository;
    this.name = name;
    this.asked = asked;
    this.here = here;
    this.progress = progress;
  }

  /** Brings a .gguf, and returns where it is. */
  Path gguf(String file) throws IOException, InterruptedException {
    Path target = here.resolve(file.replaceAll("[^\\w.-]", "_"));
    if (!fetch(file, target)) {
      throw notThere(file);
    }
    return target;
  }

  /**
   * An encoder that came.
   *
   * @param file its model's name in the repository
   * @param files under the names that they have here
   */
  record Encoder(String file, EncoderFiles files) {}

  /**
   * Brings the repository's encoder.
   *
   * @return empty if what it holds is a decoder that we know, or has no .onnx where it is looked
   *     for
   */
  Optional<Encoder> encoder() throws IOException, InterruptedException {
    Path config = here.resolve(CONFIG);
    if (fetch(CONFIG, config) && SourceKind.isDecoder(config)) {
      return Optional.empty();
    }
    for (String model : ENCODERS) {
      if (fetch(model, here.resolve("model.onnx"))) {
        return Optional.of(withCompanions(model));
      }
    }
    return Optional.empty();
  }

  /** Brings one encoder of a repository, under the names that folders have here. */
  Encoder encoder(String model) throws IOException, InterruptedException {
    if (!fetch(model, here.resolve("model.onnx"))) {
      throw notThere(model);
    }
    return withCompanions(model);
  }

  private Encoder withCompanions(String model) throws IOException, InterruptedException {
    String folder = model.substring(0, model.lastIndexOf('/') + 1);
    String outer = model.substring(folder.length()) + "_data";
    fetch(folder + outer, here.resolve(outer)); // most have none
    List<String> roots = rootsWithTokenizer(folder);
    for (String companion : EncoderFiles.COMPANIONS) {
      for (String root : roots) {
        if (fetch(root + companion, here.resolve(companion))) {
          break;
        }
      }
    }
    List<String> names = new ArrayList<>(List.of("model.onnx", TOKENIZER, outer));
    names.addAll(EncoderFiles.COMPANIONS);
    names.removeIf(file -> !Files.isRegularFile(here.resolve(file)));
    EncoderFiles files = EncoderFiles.of("model.onnx", names).orElseThrow();
    return new Encoder(model, names.contains(outer) ? files.with(outer) : files);
  }

  /** Brings the tokenizer, and returns the folder that it is in, and those behind it. */
  private List<String> rootsWithTokenizer(String folder) throws IOException, InterruptedException {
    List<String> roots = EncoderFiles.roots(folder);
    for (int i = 0; i < roots.size(); i++) {
      if (fetch(roots.get(i) + TOKENIZER, here.resolve(TOKENIZER))) {
        return roots.subList(i, roots.size());
      }
    }
    throw notThere(roots.getLast() + TOKENIZER);
  }

  /** Brings a decoder: a config of a family that is known, a tokenizer, and weights. */
  void decoder() throws IOException, InterruptedException {
    if (!fetch(CONFIG, here.resolve(CONFIG))) {
      throw notThere(CONFIG);
    }
    DecoderConfig.read(here); // an architecture that is unknown is refused before gigabytes come
    for (String companion : DecoderImport.COMPANIONS) {
      boolean there = fetch(companion, here.resolve(companion));
      if (!there && companion.equals("tokenizer.json")) {
        throw notThere(companion);
      }
    }
    if (fetch(ModelManifest.WEIGHTS, here.resolve(ModelManifest.WEIGHTS))) {
      return;
    }
    Path index = here.resolve(WeightFiles.INDEX);
    if (!fetch(WeightFiles.INDEX, index)) {
      throw notThere(ModelManifest.WEIGHTS);
    }
    for (String shard : WeightFiles.shards(here)) {
      if (!fetch(shard, here.resolve(shard))) {
        throw notThere(shard);
      }
    }
  }

  private PullException notThere(String file) {
    return new PullException(
        "NOT_FOUND",
        "the hub has no " + file + " in " + name + " at " + asked + "; see --revision");
  }

  private boolean fetch(String file, Path target) throws IOException, InterruptedException {
    Files.createDirectories(target.resolveSibling(""));
    return repository.fetch(file, target, progress);
  }
}
