package io.ballast.policy.adapter;

import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.DecoderStatistics;
import io.ballast.inference.api.GeneratedToken;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.PromptAndCompletion;
import io.ballast.inference.api.ReportedWeights;
import io.ballast.inference.api.TokenScores;
import io.ballast.inference.api.Tokenizer;
import io.ballast.inference.triton.KServeConnection;
import java.util.List;
import java.util.function.Consumer;

/** A decoder that closes the connection that was opened for it. */
record ConnectedDecoder(Decoder decoder, KServeConnection connection) implements Decoder {
  @Override
  public Tokenizer tokenizer() {
    return decoder.tokenizer();
  }

  @Override
  public int contextTokens() {
    return decoder.contextTokens();
  }

  @Override
  public GenerationHandle generate(GenerationRequest request, Consumer<GeneratedToken> onToken) {
    return decoder.generate(request, onToken);
  }

  @Override
  public List<GenerationHandle> generate(GenerationRequest request, int count) {
    return decoder.generate(request, count);
  }

  @Override
  public List<PerToken> logProbs(List<PromptAndCompletion> sequences) {
    return decoder.logProbs(sequences);
  }

  @Override
  public List<TokenScores> tokenScores(List<PromptAndCompletion> sequences, int alternatives) {
    return decoder.tokenScores(sequences, alternatives);
  }

  @Override
  public ReportedWeights reportedWeights() {
    return decoder.reportedWeights();
  }

  @Override
  public DecoderStatistics statistics() {
    return decoder.statistics();
  }

  @Override
  public void close() {
    try {
      decoder.close();
    } finally {
      connection.close();
    }
  }
}
