package io.ballast.workshop.pretrain;

import io.ballast.inference.torch.DecoderConfig;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Writes what a reader must know of a trained decoder, from the facts of its run. */
final class ModelCard {
  private ModelCard() {}

  /**
   * Returns the card as Markdown.
   *
   * @param nats held-out loss, nats a token
   * @param bitsPerByte held-out loss, bits a byte of source
   * @param command what makes the model again
   */
  static String of(
      Workbench.Facts facts,
      DecoderConfig config,
      long steps,
      long tokens,
      double nats,
      double bitsPerByte,
      String command) {
    return String.format(
        Locale.ROOT,
        """
        # java-tiny

        A small decoder that completes lines of Java. Trained from random weights, by this project's own learner, on nothing
        but the sources listed below.

        | | |
        |---|---|
        | shape | Llama: width %d, %d layers, %d heads, SwiGLU %d, context %d, tied head; %,d parameters |
        | tokenizer | byte-level BPE, %,d entries, %.2f bytes a token |
        | trained on | %,d tokens in %,d steps, of %,d tokens in %,d files (%.1f MB of code without comments and imports) |
        | held-out loss | %.4f nats a token, **%.3f bits a byte**, on %,d files of artefacts that trained nothing |
        | licence | Apache-2.0; so is every file it was trained on (files without the licence's header were left out) |
        | seed | %d |

        Make it again: `%s`

        ## Trained on
        %s

        ## Held out
        %s

        ## Limits
        It knows common Java idioms and no project of yours. It is small enough to be wrong most of the time: what it says is to be
        scored, checked and, often, withheld.
        """,
        config.hiddenSize(),
        config.layers(),
        config.attentionHeads(),
        config.intermediateSize(),
        config.contextTokens(),
        config.parameterCount(),
        config.vocabularySize(),
        facts.bytesPerToken(),
        tokens,
        steps,
        facts.tokens(),
        facts.files(),
        facts.bytes() / 1e6,
        nats,
        bitsPerByte,
        facts.heldOutFiles(),
        facts.seed(),
        command,
        list(facts.artefacts()),
        list(facts.heldOutArtefacts()));
  }

  private static String list(List<String> artefacts) {
    return artefacts.stream().map(name -> "`" + name + "`").collect(Collectors.joining(" · "));
  }
}
