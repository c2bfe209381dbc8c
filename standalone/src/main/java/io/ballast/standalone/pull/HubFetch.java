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

/**
 * Brings those files of a hub's repository that make up a model. Those of an encoder lie here as
 * they do there: a file that is looked for in vain never takes the place of one that came.
 */
final class HubFetch {
  private static final String CONFIG = "config.json";
  private static final String TOKENIZER = "tokenizer.json";

  /** Where repositories have the encoder that they mean. */
  private static final List<String> ENCODERS = List.of("onnx/model.onnx", "model.onnx");

  private final HubRepository repository;
  private final String name;
  private final String asked;
  private final Path here; // absolute, without detours
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
    this.here = here.toAbsolutePath().normalize();
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
   * Returns which .onnx the repository means, without bringing it.
   *
   * @return empty if what it holds is a decoder that we know, or has no .onnx where it is looked
   *     for
   */
  Optional<String> encoder() throws IOException, InterruptedException {
    if (fetch(CONFIG) && SourceKind.isDecoder(here.resolve(CONFIG))) {
      return Optional.empty();
    }
    for (String model : ENCODERS) {
      if (repository.has(model)) {
        return Optional.of(model);
      }
    }
    return Optional.empty();
  }

  /** Brings one encoder of a repository, what is large last; returns its files, which lie here. */
  EncoderFiles encoder(String model) throws IOException, InterruptedException {
    if (!repository.has(model)) {
      throw notThere(model);
    }
    List<String> roots = EncoderFiles.roots(model.substring(0, model.lastIndexOf('/') + 1));
    String tokenizer =
        first(roots, TOKENIZER).orElseThrow(() -> notThere(roots.getLast() + TOKENIZER));
    List<String> names = new ArrayList<>(List.of(tokenizer));
    int from = roots.indexOf(tokenizer.substring(0, tokenizer.length() - TOKENIZER.length()));
    for (String companion : EncoderFiles.COMPANIONS) {
      first(roots.subList(from, roots.size()), companion).ifPresent(names::add);
    }
    if (!fetch(model)) {
      throw notThere(model);
    }
    names.add(model);
    for (String ending : EncoderFiles.OUTER_WEIGHTS) {
      if (fetch(model + ending)) { // most have none
        names.add(model + ending);
      }
    }
    return EncoderFiles.of(model, names).orElseThrow();
  }

  /** Brings the first file of a name that one of some folders has. */
  private Optional<String> first(List<String> roots, String name)
      throws IOException, InterruptedException {
    for (String root : roots) {
      if (fetch(root + name)) {
        return Optional.of(root + name);
      }
    }
    return Optional.empty();
  }

  /** Brings a decoder's config, and refuses an architecture that is unknown. */
  void config() throws IOException, InterruptedException {
    if (!fetch(CONFIG)) {
      throw notThere(CONFIG);
    }
    DecoderConfig.read(here);
  }

  /** Brings what a decoder has besides its {@link #config}: a tokenizer, and weights. */
  void decoder() throws IOException, InterruptedException {
    for (String companion : DecoderImport.COMPANIONS) {
      boolean there = fetch(companion);
      if (!there && companion.equals(TOKENIZER)) {
        throw notThere(companion);
      }
    }
    if (fetch(ModelManifest.WEIGHTS)) {
      return;
    }
    if (!fetch(WeightFiles.INDEX)) {
      throw notThere(ModelManifest.WEIGHTS);
    }
    for (String shard : WeightFiles.shards(here)) {
      if (!fetch(shard)) {
        throw notThere(shard);
      }
    }
  }

  private PullException notThere(String file) {
    return new PullException(
        "NOT_FOUND",
        "the hub has no " + file + " in " + name + " at " + asked + "; see --revision");
  }

  private boolean fetch(String file) throws IOException, InterruptedException {
    Path target = here.resolve(file).normalize();
    if (!target.startsWith(here)) {
      throw notThere(file);
    }
    return fetch(file, target);
  }

  private boolean fetch(String file, Path target) throws IOException, InterruptedException {
    Files.createDirectories(target.resolveSibling(""));
    return repository.fetch(file, target, progress);
  }
}
