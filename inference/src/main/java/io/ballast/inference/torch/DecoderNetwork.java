package io.ballast.inference.torch;

import io.ballast.inference.torch.ParameterLayout.Extras;
import io.ballast.inference.torch.ParameterLayout.Parameter;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * The forward pass of a decoder of any {@link DecoderFamily} over weights that somebody else owns:
 * RMS norm, rotary positions, grouped heads, a gated feed-forward layer.
 *
 * <p>What is cut is cut into all of its parts at once: the gradients of parts that are cut out one
 * by one are each padded with zeros and added up.
 *
 * <p>The residual stream, the norms and attention are in the norms' type; products with weights are
 * in the matrices' type. (Attention in bfloat16 took twelve times as long as in 32 bits where the
 * processor has no AMX.)
 *
 * <p>Shape letters: B rows, T tokens, D hidden size, H query heads, K key-value heads, E head size,
 * V vocabulary.
 */
final class DecoderNetwork {
  /** The weights of one block, query-key-value and gate-up joined. */
  record Block(
      Tensor attentionNorm,
      Tensor queryKeyValue,
      Tensor output,
      Tensor feedForwardNorm,
      Tensor gateUp,
      Tensor down,
      @Nullable Tensor queryKeyValueBias,
      @Nullable Tensor outputBias,
      @Nullable Tensor queryNorm,
      @Nullable Tensor keyNorm) {}

  /** Keys and values that earlier tokens left behind; answers what a block may look at. */
  interface AttentionMemory {
    /**
     * Attends. What it is given goes with the block: it retains what it keeps for longer.
     *
     * @param layer index of the block
     * @param query shape [B, H, T, E], rotated
     * @param key shape [B, K, T, E], rotated
     * @param value shape [B, K, T, E]
     * @return shape [B, H, T, E]
     */
    Tensor attend(int layer, Tensor query, Tensor key, Tensor value);
  }

  private final DecoderConfig config;
  private final Tensor embedding;
  private final Tensor head;
  private final Tensor finalNorm;
  private final List<Block> blocks = new ArrayList<>();
  private final ScalarType residualType;
  private final ScalarType productType;

  /**
   * Binds the weights.
   *
   * @param matrix gives the tensor of a (possibly joined) matrix
   * @param full gives the tensor of the embedding, a norm or a bias, in the residual stream's type
   */
  DecoderNetwork(
      ParameterLayout layout,
      Function<Parameter, Tensor> matrix,
      Function<Parameter, Tensor> full) {
    this.config = layout.config();
    this.embedding = full.apply(layout.embedding());
    this.head = matrix.apply(layout.head());
    this.finalNorm = full.apply(layout.finalNorm());
    for (int i = 0; i < layout.blocks(); i++) {
      List<Parameter> m = layout.matrices(i);
      List<Parameter> n = layout.norms(i);
      Extras extras = layout.extras(i);
      blocks.add(
          new Block(
              full.apply(n.get(0)),
              matrix.apply(ParameterLayout.joined(m.get(0), m.get(1), m.get(2))),
              matrix.apply(m.get(3)),
              full.apply(n.get(1)),
              matrix.apply(ParameterLayout.joined(m.get(4), m.get(5))),
              matrix.apply(m.get(6)),
              extras.queryKeyValueBias().map(full).orElse(null),
              extras.outputBias().map(full).orElse(null),
              extras.queryNorm().map(full).orElse(null),
              extras.keyNorm().map(full).orElse(null)));
    }
    this.residualType = finalNorm.scalar_type();
    this.productType = head.scalar_type();
  }

  /**
   * Returns the residual stream, shape [B, T, D], after the last block, not yet normalised. The
   * caller has opened a scope.
   *
   * @param ids shape [B, T]
   * @param rotation cosines and sines at each token's position
   */
  Tensor hidden(Tensor ids, Rotation rotation, AttentionMemory memory) {
    return hidden(ids, rotation, memory, Products.atOnce());
  }

  /** The same with products of the caller's. */
  Tensor hidden(Tensor ids, Rotation rotation, AttentionMemory memory, Products products) {
    Tensor x = torch.embedding(embedding, ids).to(residualType);
    if (config.embeddingScale() != 1) {
      x = x.mul(new Scalar(config.embeddingScale()));
    }
    return through(x, rotation, memory, products);
  }

  /**
   * Returns the residual stream after the last block, shape [B, T, D], of one before the first. The
   * caller has opened a scope.
   */
  Tensor through(Tensor residual, Rotation rotation, AttentionMemory memory, Products products) {
    Tensor x = residual;
    PointerScope outer = PointerScope.getInnerScope();
    for (int i = 0; i < blocks.size(); i++) {
      Tensor before = x;
      x = block(i, before, rotation, memory, products, outer);
      if (i > 0) {
        outer.detach(before);
      }
    }
    return x;
  }

  /**
   * Returns the residual stream after a block, for {@code outer} to hold. What is computed on the
   * way goes with the block, unless gradients need it: the steps of a long prompt took 2.9 GB with
   * 30 blocks when all of it stayed.
   */
  private Tensor block(
      int layer,
      Tensor x,
      Rotation rotation,
      AttentionMemory memory,
      Products products,
      PointerScope outer) {
    try (PointerScope scope = new PointerScope()) {
      Block block = blocks.get(layer);
      Tensor attended =
          x.add(
              attention(layer, block, norm(x, block.attentionNorm()), rotation, memory, products));
      Tensor after =
          attended.add(feedForward(block, norm(attended, block.feedForwardNorm()), products));
      outer.attach(after);
      return after;
    }
  }

  /** Returns residuals, shape [N, D], normalised for the head. */
  Tensor normalized(Tensor residual) {
    return norm(residual, finalNorm).contiguous();
  }

  /** The head's weights, shape [V, D]. */
  Tensor head() {
    return head;
  }

  /** The embedding's weights, shape [V, D]. */
  Tensor embedding() {
    return embedding;
  }

  /** The weights of the norm before the head, shape [D]. */
  Tensor finalNorm() {
    return finalNorm;
  }

  List<Block> blocks() {
    return blocks;
  }

  /** The type of what products take and give. */
  ScalarType productType() {
    return productType;
  }

  private Tensor attention(
      int layer,
      Block block,
      Tensor x,
      Rotation rotation,
      AttentionMemory memory,
      Products products) {
    long heads = config.attentionHeads();
    long keyHeads = config.keyValueHeads();
    long size = config.headSize();
    long rows = x.size(0);
    long tokens = x.size(1);
    Tensor projected =
        withBias(products.linear(x, block.queryKeyValue()), block.queryKeyValueBias())
            .view(rows, tokens, heads + 2 * keyHeads, size);
    TensorVector parts = projected.split(new long[] {heads, keyHeads, keyHeads}, 2);
    Tensor queries = parts.get(0);
    Tensor keys = parts.get(1);
    if (block.queryNorm() != null && block.keyNorm() != null) {
      queries = scaledNorm(queries.to(residualType), block.queryNorm());
      keys = scaledNorm(keys.to(residualType), block.keyNorm());
    }
    Tensor query = rotation.apply(queries).transpose(1, 2);
    Tensor key = rotation.apply(keys).transpose(1, 2);
    Tensor value = parts.get(2).to(residualType).transpose(1, 2);
    Tensor attended = memory.attend(layer, query, key, value);
    return withBias(
        products.linear(
            attended.transpose(1, 2).reshape(rows, tokens, heads * size).to(productType),
            block.output()),
        block.outputBias());
  }

  /** Adds a bias, in the residual stream's type. */
  private static Tensor withBias(Tensor x, @Nullable Tensor bias) {
    return bias == null ? x : x.add(bias);
  }

  private Tensor feedForward(Block block, Tensor x, Products products) {
    TensorVector gateUp = products.linear(x, block.gateUp()).chunk(2, -1);
    Tensor gated = config.activation().apply(gateUp.get(0)).mul(gateUp.get(1));
    return products.linear(gated, block.down());
  }

  private Tensor norm(Tensor x, Tensor weight) {
    return scaledNorm(x, weight).to(productType);
  }

  private Tensor scaledNorm(Tensor x, Tensor weight) {
    Tensor scale = config.normOffset() == 0 ? weight : weight.add(new Scalar(config.normOffset()));
    return rmsNorm(x, scale, config.rmsNormEpsilon());
  }

  /** Returns x / sqrt(mean(x²) + ε) · weight over the last dimension. Source: arXiv:1910.07467. */
  static Tensor rmsNorm(Tensor x, Tensor weight, double epsilon) {
    return torch.rms_norm(
        x, new long[] {x.size(-1)}, new TensorOptional(weight), new DoubleOptional(epsilon));
  }

  /**
   * Attends without memory: each token to those before it in its row, or as {@code mask} allows.
   *
   * @param mask booleans or addends, broadcast to [B, H, T, T]; causal when absent
   */
  static AttentionMemory withoutMemory(@Nullable Tensor mask) {
    return (layer, query, key, value) -> attend(query, key, value, mask, mask == null);
  }

  /** Scaled dot-product attention with grouped heads. */
  static Tensor attend(
      Tensor query, Tensor key, Tensor value, @Nullable Tensor mask, boolean causal) {
    long groups = query.size(1) / key.size(1);
    return torch.scaled_dot_product_attention(
        query,
        repeatHeads(key, groups),
        repeatHeads(value, groups),
        mask == null ? new TensorOptional() : new TensorOptional(mask),
        0.0,
        causal,
        new DoubleOptional(),
        false);
  }

  private static Tensor repeatHeads(Tensor x, long times) {
    if (times == 1) {
      return x;
    }
    long[] shape = x.shape();
    return x.unsqueeze(2)
        .expand(shape[0], shape[1], times, shape[2], shape[3])
        .reshape(shape[0], shape[1] * times, shape[2], shape[3]);
  }

  /**
   * Cosines and sines of the rotary embedding, shape [B or 1, T, 1, E]. Source: Su et al. 2021,
   * arXiv:2104.09864, with Hugging Face's order of the dimensions (halves, not pairs).
   */
  record Rotation(Tensor cosine, Tensor signedSine) {
    /** Returns {@code x}, shape [B, T, heads, E], rotated. */
    Tensor apply(Tensor x) {
      Tensor swapped = x.roll(new long[] {x.size(-1) / 2}, -1);
      return x.mul(cosine).add(swapped.mul(signedSine));
    }
  }
}
