package io.ballast.inference.triton;

import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.GeneratedToken;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.PromptAndCompletion;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import io.ballast.inference.remote.RemoteGeneration;
import io.ballast.inference.remote.RemoteGeneration.Finish;
import io.ballast.inference.remote.RemoteGeneration.Told;
import io.ballast.inference.remote.RemotePrompt;
import io.ballast.inference.remote.RemoteSampling;
import io.ballast.inference.triton.TensorRtLlmModel.Shape;
import io.ballast.inference.triton.TokensOfText.Index;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A language model behind TensorRT-LLM's Triton back end: the model {@code tensorrt_llm} itself,
 * which takes and gives token ids, or an ensemble or BLS model round it, which takes and gives
 * texts. It streams where the model is decoupled. The back end does not say why a completion ended:
 * what ends before any limit is taken to be ended by the model.
 *
 * <p>Of texts the ids are not told; they are found as {@link TokensOfText} says, and what cannot be
 * found fails. So {@code tensorrt_llm} itself is the better choice.
 *
 * <p>Prompts are not healed. What the back end does not tell is refused: see {@link
 * RemoteSampling}; it cannot score given texts.
 */
public final class TensorRtLlmDecoder implements Decoder {
  private final TensorRtLlmModel model;
  private final Tokenizer tokenizer;
  private final int contextTokens;
  private final @Nullable Index index;
  private final GenerationStreams streams;

  private TensorRtLlmDecoder(
      KServeClient client,
      TensorRtLlmModel model,
      Tokenizer tokenizer,
      int contextTokens,
      @Nullable Index index) {
    this.model = model;
    this.tokenizer = tokenizer;
    this.contextTokens = contextTokens;
    this.index = index;
    this.streams = new GenerationStreams(client, model.served());
  }

  /**
   * Returns the decoder, after a look at what the model takes and gives.
   *
   * @param client stays its owner's
   * @param served the model {@code tensorrt_llm}, or an ensemble or BLS model round it
   * @param tokenizer the one that belongs to the weights
   * @param contextTokens the engine's {@code max_seq_len}
   * @throws ModelException UNSUPPORTED, naming what the model lacks, or if texts do not tell the
   *     tokens of this tokenizer; UNAVAILABLE if the server is not reached or has no such model
   */
  public static TensorRtLlmDecoder open(
      KServeClient client, ServedModel served, Tokenizer tokenizer, int contextTokens) {
    return open(client, served, () -> tokenizer, contextTokens);
  }

  /**
   * As the other.
   *
   * @param read asked once for the tokenizer, if the server is reached and has such a model
   */
  public static TensorRtLlmDecoder open(
      KServeClient client, ServedModel served, Supplier<Tokenizer> read, int contextTokens) {
    TensorRtLlmModel model;
    try {
      model = TensorRtLlmModel.of(served, client.describe(served), client.config(served));
    } catch (TritonException e) {
      throw TritonFaults.of(e);
    }
    Tokenizer tokenizer = read.get();
    Index index = null;
    if (model.shape() == Shape.TEXT) {
      try {
        index = Index.of(tokenizer);
      } catch (ModelException e) {
        throw new ModelException(
            e.reason(), KServeClient.subject(served) + ": " + e.getMessage(), e);
      }
    }
    return new TensorRtLlmDecoder(client, model, tokenizer, contextTokens, index);
  }

  @Override
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  @Override
  public int contextTokens() {
    return contextTokens;
  }

  @Override
  public GenerationHandle generate(GenerationRequest request, Consumer<GeneratedToken> onToken) {
    streams.requireOpen();
    RemoteSampling.check(request.sampling());
    model.check(request.sampling());
    RemotePrompt prompt =
        model.shape() == Shape.TEXT
            ? RemotePrompt.written(request, tokenizer, contextTokens)
            : new RemotePrompt(RemotePrompt.ids(request, tokenizer, contextTokens), "");
    RemoteGeneration generation =
        new RemoteGeneration(
            streams.subject(), request.sampling(), tokenizer, prompt.tokens(), onToken);
    InferRequest wire =
        model.request(request.sampling(), tokenizer.endOfTextId(), prompt.text(), prompt.tokens());
    int room = Math.min(request.sampling().maxNewTokens(), contextTokens - prompt.tokens().size());
    return streams.start(
        wire,
        generation,
        index == null
            ? new TokenAnswers(generation, room, prompt.tokens())
            : new TextAnswers(generation, room, prompt.text(), index));
  }

  /**
   * Would score given texts.
   *
   * @throws ModelException always, UNSUPPORTED: the back end scores only what it draws
   */
  @Override
  public List<PerToken> logProbs(List<PromptAndCompletion> sequences) {
    throw new ModelException(
        Reason.UNSUPPORTED,
        subject()
            + ": TensorRT-LLM's back end tells log-probabilities of what it draws alone, not of"
            + " given texts");
  }

  @Override
  public void close() {
    streams.close();
  }

  private String subject() {
    return KServeClient.subject(model.served());
  }

  private ModelException broken(String words) {
    return new ModelException(Reason.BROKEN, subject() + ": " + words);
  }

  /** Returns an output of the one beam that was asked for. */
  private Tensor only(InferAnswer answer, String output) {
    Tensor tensor = answer.find(output).orElseThrow(() -> broken("no '" + output + "'"));
    List<Long> shape = tensor.shape();
    if (shape.subList(0, Math.max(0, shape.size() - 1)).stream().anyMatch(rows -> rows != 1)) {
      throw broken("'%s' of shape %s (expected: one beam)".formatted(output, shape));
    }
    return tensor;
  }

  /** Log-probabilities as one answer tells them. */
  private float[] logProbs(InferAnswer answer) {
    return only(answer, "output_log_probs").floats();
  }

  /** One generation's answers. */
  private abstract class Answers implements GenerationStreams.Reader {
    final RemoteGeneration generation;
    final ToldLogProbs logProbs = new ToldLogProbs();
    private final int room;
    private int count;

    Answers(RemoteGeneration generation, int room) {
      this.generation = generation;
      this.room = room;
    }

    /** Returns the tokens that an answer adds. */
    abstract List<Told> told(InferAnswer answer, boolean last);

    /** Returns the tokens that the end adds. */
    List<Told> toldByEnd() {
      return List.of();
    }

    /** Whether all that has come is known. */
    boolean whole() {
      return true;
    }

    /** Refuses an end that leaves something unsaid. */
    void requireWhole() {}

    @Override
    public void answered(InferAnswer answer, boolean last) {
      List<Told> told = told(answer, last);
      count += told.size();
      boolean over = count >= room || (last && whole());
      generation.add(told, "", over ? Optional.of(finish()) : Optional.empty());
      if (last && !generation.result().isDone()) {
        requireWhole();
      }
    }

    @Override
    public void ended(boolean marked) {
      if (marked) {
        List<Told> told = toldByEnd();
        count += told.size();
        requireWhole();
        generation.add(told, "", Optional.of(finish()));
      }
    }

    /** The back end says no reason. */
    private Finish finish() {
      return Finish.of(count >= room ? "length" : "stop");
    }
  }

  /** Answers of the model itself. */
  private final class TokenAnswers extends Answers {
    private TokenIds echo;

    TokenAnswers(RemoteGeneration generation, int room, TokenIds prompt) {
      super(generation, room);
      this.echo = model.echoes() ? prompt : TokenIds.of();
    }

    @Override
    List<Told> told(InferAnswer answer, boolean last) {
      int[] all = only(answer, "output_ids").ints();
      int length = all.length;
      if (answer.find(TensorRtLlmModel.LENGTH).isPresent()) {
        int[] said = only(answer, TensorRtLlmModel.LENGTH).ints();
        length = said.length == 1 ? Math.clamp(said[0], 0, length) : length;
      }
      TokenIds ids = withoutEcho(TokenIds.of(all).slice(0, length));
      float[] fresh = logProbs.ofTokens(TensorRtLlmDecoder.this.logProbs(answer), ids.size());
      List<Told> told = new ArrayList<>();
      for (int i = 0; i < ids.size(); i++) {
        told.add(new Told(ids.get(i), fresh[i]));
      }
      return told;
    }

    private TokenIds withoutEcho(TokenIds ids) {
      if (echo.size() == 0) {
        return ids;
      }
      if (ids.size() < echo.size() || !ids.slice(0, echo.size()).equals(echo)) {
        throw broken(
            "the answer's %,d tokens do not begin with the prompt's %,d"
                .formatted(ids.size(), echo.size()));
      }
      TokenIds rest = ids.slice(echo.size(), ids.size());
      echo = TokenIds.of();
      return rest;
    }
  }

  /** Answers of a model with a tokenizer. */
  private final class TextAnswers extends Answers {
    private final TokensOfText tokens;
    private String echo;

    TextAnswers(RemoteGeneration generation, int room, String prompt, Index index) {
      super(generation, room);
      this.tokens = new TokensOfText(tokenizer, index);
      this.echo = model.echoes() ? prompt : "";
    }

    @Override
    List<Told> told(InferAnswer answer, boolean last) {
      List<String> texts = only(answer, "text_output").strings();
      if (texts.size() != 1) {
        throw broken("%,d texts in an answer (expected: 1)".formatted(texts.size()));
      }
      String text = withoutEcho(texts.getFirst());
      float[] fresh = logProbs.fresh(TensorRtLlmDecoder.this.logProbs(answer), !text.isEmpty());
      return model.accumulates()
          ? tokens.soFar(text, fresh, last)
          : tokens.follows(text, fresh, last);
    }

    @Override
    List<Told> toldByEnd() {
      return tokens.end();
    }

    private String withoutEcho(String text) {
      if (!text.startsWith(echo)) {
        throw broken("the answer's text does not begin with the prompt's");
      }
      String rest = text.substring(echo.length());
      echo = "";
      return rest;
    }

    @Override
    boolean whole() {
      return tokens.whole();
    }

    @Override
    void requireWhole() {
      tokens.requireWhole();
    }
  }
}
