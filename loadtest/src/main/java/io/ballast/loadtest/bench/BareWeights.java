package io.ballast.loadtest.bench;

import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.DecoderConfig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The weights of {@link BareLlama} with their gradients: joined matrices in one flat buffer, of
 * which a copy in the products' type is multiplied with where that is another.
 */
final class BareWeights implements AutoCloseable {
  final DecoderConfig config;
  final boolean twoTypes;
  final ScalarType product;
  final long layers;
  final long heads;
  final long keyHeads;
  final long size;
  final long hidden;
  final long inner;

  final Tensor master;
  final Tensor gradients;
  final Tensor products;
  final Tensor productGradients;
  final Tensor embedding;
  final Tensor head;
  final Tensor headGradient;
  final Tensor finalNorm;
  final List<Tensor> qkv = new ArrayList<>();
  final List<Tensor> output = new ArrayList<>();
  final List<Tensor> gateUp = new ArrayList<>();
  final List<Tensor> down = new ArrayList<>();
  final List<Tensor> attentionNorm = new ArrayList<>();
  final List<Tensor> feedForwardNorm = new ArrayList<>();
  final Tensor cosine;
  final Tensor sine;

  /** Numbers of the matrices, which stand before those of the norms. */
  final long matrixNumbers;

  private final List<Tensor> kept = new ArrayList<>();

  /**
   * Loads the weights of a Hugging Face folder whose head is tied to its embedding.
   *
   * @param arithmetic the engine's
   */
  BareWeights(Path folder, Arithmetic arithmetic) {
    twoTypes = arithmetic == Arithmetic.BFLOAT16_PRODUCTS;
    product = twoTypes ? ScalarType.BFloat16 : ScalarType.Float;
    config = DecoderConfig.read(folder);
    if (!config.tiedHead() || !config.isPlainLlama()) {
      throw new IllegalArgumentException(folder + ": (expected: a plain Llama with a tied head)");
    }
    layers = config.layers();
    heads = config.attentionHeads();
    keyHeads = config.keyValueHeads();
    size = config.headSize();
    hidden = config.hiddenSize();
    inner = config.intermediateSize();
    long numbers = config.parameterCount();
    matrixNumbers = numbers - (2 * layers + 1) * hidden;
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      master = keep(BareTensors.zeros(ScalarType.Float, numbers));
      gradients = keep(BareTensors.zeros(ScalarType.Float, numbers));
      products = twoTypes ? keep(BareTensors.zeros(product, matrixNumbers)) : master;
      productGradients = twoTypes ? keep(BareTensors.zeros(product, matrixNumbers)) : gradients;
      Flat flat = new Flat(SafetensorsFile.open(folder.resolve(ModelManifest.WEIGHTS)));
      flat.put("model.embed_tokens.weight", config.vocabularySize(), hidden);
      embedding = flat.leaf(master, gradients, config.vocabularySize(), hidden);
      head = keep(products.narrow(0, 0, flat.at).view(config.vocabularySize(), hidden));
      headGradient = keep(gradients.narrow(0, 0, flat.at).view(config.vocabularySize(), hidden));
      for (long i = 0; i < layers; i++) {
        String block = "model.layers." + i + ".";
        flat.put(block + "self_attn.q_proj.weight", hidden, hidden);
        flat.put(block + "self_attn.k_proj.weight", keyHeads * size, hidden);
        flat.put(block + "self_attn.v_proj.weight", keyHeads * size, hidden);
        qkv.add(flat.leaf(products, productGradients, hidden + 2 * keyHeads * size, hidden));
        flat.put(block + "self_attn.o_proj.weight", hidden, hidden);
        output.add(flat.leaf(products, productGradients, hidden, hidden));
        flat.put(block + "mlp.gate_proj.weight", inner, hidden);
        flat.put(block + "mlp.up_proj.weight", inner, hidden);
        gateUp.add(flat.leaf(products, productGradients, 2 * inner, hidden));
        flat.put(block + "mlp.down_proj.weight", hidden, inner);
        down.add(flat.leaf(products, productGradients, hidden, inner));
      }
      for (long i = 0; i < layers; i++) {
        String block = "model.layers." + i + ".";
        flat.put(block + "input_layernorm.weight", hidden);
        attentionNorm.add(flat.leaf(master, gradients, hidden));
        flat.put(block + "post_attention_layernorm.weight", hidden);
        feedForwardNorm.add(flat.leaf(master, gradients, hidden));
      }
      flat.put("model.norm.weight", hidden);
      finalNorm = flat.leaf(master, gradients, hidden);
      copyProducts();
      int positions = config.contextTokens();
      int width = config.headSize();
      double[] cosines = new double[positions * width];
      double[] sines = new double[positions * width];
      for (int t = 0; t < positions; t++) {
        for (int i = 0; i < width; i++) {
          double angle = t * Math.pow(config.ropeTheta(), -2.0 * (i % (width / 2)) / width);
          cosines[t * width + i] = Math.cos(angle);
          sines[t * width + i] = i < width / 2 ? -Math.sin(angle) : Math.sin(angle);
        }
      }
      cosine = keep(BareTensors.doubles(cosines, positions, width).to(ScalarType.Float));
      sine = keep(BareTensors.doubles(sines, positions, width).to(ScalarType.Float));
    }
  }

  /** Fills the flat buffers in the order in which weights are asked for. */
  private final class Flat {
    private final SafetensorsFile file;
    private long at;
    private long leafFrom;

    Flat(SafetensorsFile file) {
      this.file = file;
    }

    private void put(String name, long... shape) {
      List<Long> boxed = new ArrayList<>();
      for (long length : shape) {
        boxed.add(length);
      }
      float[] values = file.read(name, boxed);
      master.narrow(0, at, values.length).copy_(BareTensors.floats(values, values.length));
      at += values.length;
    }

    /** What was put since the last leaf, as one trained tensor of a shape. */
    private Tensor leaf(Tensor values, Tensor gradientsOfValues, long... shape) {
      Tensor leaf = keep(values.narrow(0, leafFrom, at - leafFrom).view(shape).detach());
      leaf.set_requires_grad(true);
      leaf.mutable_grad().put(gradientsOfValues.narrow(0, leafFrom, at - leafFrom).view(shape));
      leafFrom = at;
      return leaf;
    }
  }

  /** Brings the copy in the products' type up to date. */
  void copyProducts() {
    if (twoTypes) {
      products.copy_(master.narrow(0, 0, matrixNumbers));
    }
  }

  /** A tensor that lives as long as this. */
  Tensor keep(Tensor tensor) {
    tensor.retainReference();
    kept.add(tensor);
    return tensor;
  }

  @Override
  public void close() {
    kept.forEach(Tensor::releaseReference);
    kept.clear();
  }
}
