package io.ballast.workshop.pretrain;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.workshop.corpus.Corpus;
import io.ballast.workshop.corpus.SourceFile;
import io.ballast.workshop.corpus.Split;
import io.ballast.workshop.tokenizer.BpeModel;
import io.ballast.workshop.tokenizer.BpeTrainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/**
 * The work folder of a training: tokenizer, tokens and facts of the corpus, made once and kept.
 *
 * @param folder where they lie
 * @param train the tokens to train on
 * @param heldOut the tokens to measure on
 * @param facts what they were made from
 */
record Workbench(Path folder, TokenFile train, TokenFile heldOut, Facts facts) {
  private static final int VOCABULARY_SIZE = 4_096;
  private static final ObjectMapper JSON = new ObjectMapper();

  /** What the model card says of the data. */
  record Facts(
      @JsonProperty("artefacts") List<String> artefacts,
      @JsonProperty("held_out_artefacts") List<String> heldOutArtefacts,
      @JsonProperty("files") int files,
      @JsonProperty("bytes") long bytes,
      @JsonProperty("tokens") int tokens,
      @JsonProperty("held_out_files") int heldOutFiles,
      @JsonProperty("held_out_bytes_per_token") double heldOutBytesPerToken,
      @JsonProperty("seed") long seed) {
    Facts {
      artefacts = List.copyOf(artefacts);
      heldOutArtefacts = List.copyOf(heldOutArtefacts);
    }

    double bytesPerToken() {
      return (double) bytes / tokens;
    }
  }

  /**
   * Opens {@code folder}, or fills it from the corpus if it is empty or of another seed.
   *
   * @param say told what is being done, a line at a time
   */
  static Workbench open(Path folder, Path corpusFolder, long seed, Consumer<String> say)
      throws IOException {
    Path facts = folder.resolve("facts.json");
    if (Files.isRegularFile(facts)) {
      Facts known = JSON.readValue(facts.toFile(), Facts.class);
      if (known.seed() == seed) {
        return new Workbench(
            folder,
            TokenFile.read(folder.resolve("pretrain.tokens")),
            TokenFile.read(folder.resolve("heldout.tokens")),
            known);
      }
    }
    Files.createDirectories(folder);
    say.accept("reading and cleaning the corpus in " + corpusFolder);
    Corpus corpus = Corpus.read(corpusFolder, seed);
    for (Split split : Split.values()) {
      say.accept(
          "  %s: %,d artefacts, %,d files, %,d bytes"
              .formatted(
                  split.folder(),
                  corpus.artefacts(split).size(),
                  corpus.files(split).size(),
                  corpus.bytes(split)));
    }
    say.accept("training the tokenizer");
    BpeTrainer trainer = new BpeTrainer();
    corpus.files(Split.PRETRAIN).stream().map(SourceFile::text).forEach(trainer::add);
    BpeModel tokenizer = trainer.train(VOCABULARY_SIZE);
    tokenizer.write(folder);
    say.accept("encoding");
    TokenFile train = TokenFile.encode(corpus.files(Split.PRETRAIN), tokenizer);
    TokenFile heldOut = TokenFile.encode(corpus.files(Split.HELDOUT), tokenizer);
    train.write(folder.resolve("pretrain.tokens"));
    heldOut.write(folder.resolve("heldout.tokens"));
    Facts made =
        new Facts(
            corpus.artefacts(Split.PRETRAIN),
            corpus.artefacts(Split.HELDOUT),
            corpus.files(Split.PRETRAIN).size(),
            corpus.bytes(Split.PRETRAIN),
            train.size(),
            corpus.files(Split.HELDOUT).size(),
            (double) corpus.bytes(Split.HELDOUT) / heldOut.size(),
            seed);
    JSON.writerWithDefaultPrettyPrinter().writeValue(facts.toFile(), made);
    say.accept(
        "  %,d tokens, %.2f bytes a token (held out %.2f)"
            .formatted(train.size(), made.bytesPerToken(), made.heldOutBytesPerToken()));
    return new Workbench(folder, train, heldOut, made);
  }

  Path tokenizer() {
    return folder.resolve("tokenizer.json");
  }
}
