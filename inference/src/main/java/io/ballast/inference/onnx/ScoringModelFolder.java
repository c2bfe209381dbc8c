package io.ballast.inference.onnx;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.onnx.ScoringHeads.Head;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.store.SafetensorsFile.Content;
import io.ballast.inference.store.WeightType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * Scoring heads on disk: config.json, model.safetensors, and ballast.json with the checksums.
 *
 * <p>Tensors, all in 32 bits: {@code features.mean} and {@code features.std}, shape [F]; of each
 * head k {@code heads.k.hidden.weight} [N, F], {@code heads.k.hidden.bias} [N], {@code
 * heads.k.output.weight} [1, N], {@code heads.k.output.bias} [1]. A linear head, N = 0, has no
 * hidden tensors, and its output weight is [1, F]. Members with blocks of their own have those too,
 * each tensor's name in the trunk behind {@code members.k.}.
 */
public final class ScoringModelFolder {
  /** What a folder says of itself. */
  public static final String CONFIG = "config.json";

  private static final String FORMAT = "ballast-scoring-heads";
  private static final String TOKENIZER = "tokenizer_sha256";
  private static final String TEMPLATE = "chat_template_sha256";
  private static final ObjectMapper JSON = new ObjectMapper();

  private ScoringModelFolder() {}

  /**
   * Reads a folder after comparing its files with their checksums.
   *
   * @param hiddenSize of the trunk, which decides how wide the features are
   * @throws ModelException INVALID_FOLDER if a file, a field or a tensor is missing or is not what
   *     it should be, named; CORRUPT_WEIGHTS if a checksum differs or a weight is not finite
   */
  public static ScoringModel read(Path folder, int hiddenSize) {
    ScoringSpec spec = readSpec(folder);
    int width = ScoringFeature.width(spec.features(), hiddenSize);
    Path file = folder.resolve(ModelManifest.WEIGHTS);
    SafetensorsFile tensors = SafetensorsFile.open(file);
    float[] mean = finite(file, tensors, "features.mean", width);
    float[] std = finite(file, tensors, "features.std", width);
    for (int i = 0; i < std.length; i++) {
      if (!(std[i] > 0)) {
        throw invalid(file, "tensor features.std[" + i + "]: " + std[i] + " (expected: > 0)");
      }
    }
    long hidden = spec.hiddenWidth();
    List<Head> heads = new ArrayList<>();
    for (int k = 0; k < spec.heads(); k++) {
      String name = "heads." + k + ".";
      heads.add(
          hidden == 0
              ? Head.linear(
                  finite(file, tensors, name + "output.weight", 1, width),
                  finite(file, tensors, name + "output.bias", 1)[0])
              : new Head(
                  finite(file, tensors, name + "hidden.weight", hidden, width),
                  finite(file, tensors, name + "hidden.bias", hidden),
                  finite(file, tensors, name + "output.weight", 1, hidden),
                  finite(file, tensors, name + "output.bias", 1)[0]));
    }
    return new ScoringModel(spec, new ScoringHeads(mean, std, heads));
  }

  /**
   * Reads what a folder says of itself, after comparing its files with their checksums.
   *
   * @throws ModelException as {@link #read}
   */
  public static ScoringSpec readSpec(Path folder) {
    ModelManifest.read(folder).ifPresent(manifest -> manifest.verify(folder));
    Path file = folder.resolve(CONFIG);
    if (!Files.isRegularFile(file)) {
      throw invalid(file, "the file is missing");
    }
    try {
      return parse(JSON.readTree(file.toFile()));
    } catch (IOException | IllegalArgumentException e) {
      throw new ModelException(Reason.INVALID_FOLDER, file + ": " + e.getMessage(), e);
    }
  }

  /**
   * Reads the text of a folder's config.json.
   *
   * @throws IllegalArgumentException if a field is missing or is not what it should be, named
   */
  public static ScoringSpec parse(String config) {
    try {
      return parse(JSON.readTree(config));
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("not JSON: " + e.getOriginalMessage(), e);
    }
  }

  /**
   * Writes a folder, its manifest last.
   *
   * @param folder created if absent; files of these names in it are replaced, others are kept and
   *     listed in the manifest
   * @param notes kept in ballast.json, such as the seed
   */
  public static void write(Path folder, ScoringModel model, Map<String, String> notes)
      throws IOException {
    write(folder, model, List.of(), notes);
  }

  /**
   * Writes a folder of members with blocks of their own, its manifest last.
   *
   * @param blocks a file of each member, as {@code TrainableBlocks} saves them; none if they have
   *     none
   * @param notes as above
   */
  public static void write(
      Path folder, ScoringModel model, List<Path> blocks, Map<String, String> notes)
      throws IOException {
    if (blocks.size() != (model.spec().ownBlocks() == 0 ? 0 : model.spec().heads())) {
      throw new IllegalArgumentException(
          "blocks: %d files of %d members with %d blocks of their own"
              .formatted(blocks.size(), model.spec().heads(), model.spec().ownBlocks()));
    }
    Files.createDirectories(folder);
    Files.writeString(
        folder.resolve(CONFIG),
        JSON.writerWithDefaultPrettyPrinter().writeValueAsString(json(model.spec())) + "\n");
    ScoringHeads heads = model.heads();
    long width = heads.featureCount();
    long hidden = heads.hiddenWidth();
    List<Content> contents = new ArrayList<>();
    contents.add(tensor("features.mean", heads.featureMean(), width));
    contents.add(tensor("features.std", heads.featureStd(), width));
    for (int k = 0; k < heads.size(); k++) {
      Head head = heads.heads().get(k);
      String name = "heads." + k + ".";
      if (hidden > 0) {
        contents.add(tensor(name + "hidden.weight", head.hiddenWeight(), hidden, width));
        contents.add(tensor(name + "hidden.bias", head.hiddenBias(), hidden));
      }
      float[] output = head.outputWeight();
      contents.add(tensor(name + "output.weight", output, 1, output.length));
      contents.add(tensor(name + "output.bias", new float[] {head.outputBias()}, 1));
    }
    contents.addAll(MemberBlocks.contents(blocks));
    SafetensorsFile.write(folder.resolve(ModelManifest.WEIGHTS), contents, Map.of("format", "pt"));
    ModelManifest.write(folder, notes);
  }

  private static Content tensor(String name, float[] values, long... shape) {
    return new Content(name, WeightType.FLOAT32, shape(shape), () -> values);
  }

  private static List<Long> shape(long... shape) {
    List<Long> boxed = new ArrayList<>();
    for (long size : shape) {
      boxed.add(size);
    }
    return boxed;
  }

  private static float[] finite(Path file, SafetensorsFile tensors, String name, long... shape) {
    float[] values = tensors.read(name, shape(shape));
    for (int i = 0; i < values.length; i++) {
      if (!Float.isFinite(values[i])) {
        throw new ModelException(
            Reason.CORRUPT_WEIGHTS,
            file + ": tensor " + name + "[" + i + "]: " + values[i] + " (expected: finite)");
      }
    }
    return values;
  }

  private static ObjectNode json(ScoringSpec spec) {
    ObjectNode json = JSON.createObjectNode();
    json.put("format", FORMAT);
    json.put("kind", spec.kind().name());
    json.put("heads", spec.heads());
    ArrayNode features = json.putArray("features");
    spec.features().forEach(feature -> features.add(feature.code()));
    json.put("hidden_width", spec.hiddenWidth());
    json.put("activation", spec.activation().code());
    ObjectNode trunk =
        json.putObject("trunk")
            .put("model", spec.trunk().model())
            .put("version", spec.trunk().version())
            .put("weights_sha256", spec.trunk().weightsSha256());
    spec.trunk()
        .text()
        .ifPresent(
            text -> {
              trunk.put(TOKENIZER, text.tokenizerSha256());
              text.templateSha256().ifPresent(sum -> trunk.put(TEMPLATE, sum));
            });
    spec.promptTokens().ifPresent(tokens -> json.put("prompt_tokens", tokens));
    if (spec.ownBlocks() > 0) {
      json.put("own_blocks", spec.ownBlocks());
    }
    ArrayNode normalization = json.putArray("normalization");
    spec.normalizations()
        .forEach(n -> normalization.addObject().put("mean", n.mean()).put("std", n.std()));
    if (!spec.inverseTemperatures().isEmpty()) {
      ArrayNode inverse = json.putArray("inverse_temperatures");
      spec.inverseTemperatures().forEach(inverse::add);
    }
    json.putObject("calibration").put("a", spec.calibration().a()).put("b", spec.calibration().b());
    ObjectNode heldOut = json.putObject("held_out");
    ArrayNode members = heldOut.putArray("members");
    spec.heldOutMembers()
        .forEach(figures -> new TreeMap<>(figures).forEach(members.addObject()::put));
    new TreeMap<>(spec.heldOut()).forEach(heldOut.putObject("ensemble")::put);
    return json;
  }

  private static ScoringSpec parse(JsonNode json) {
    String format = json.path("format").asText("absent");
    if (!format.equals(FORMAT)) {
      throw new IllegalArgumentException("format: " + format + " (expected: " + FORMAT + ")");
    }
    List<ScoringFeature> features = new ArrayList<>();
    JsonNode names = json.path("features");
    for (int i = 0; i < names.size(); i++) {
      features.add(
          choice(
              ScoringFeature.values(), ScoringFeature::code, names.path(i), "features[" + i + "]"));
    }
    List<Normalization> normalizations = new ArrayList<>();
    for (JsonNode n : json.path("normalization")) {
      normalizations.add(new Normalization(number(n, "mean"), number(n, "std")));
    }
    int heads = json.path("heads").asInt(-1);
    if (heads != normalizations.size()) {
      throw new IllegalArgumentException(
          "heads: " + heads + " (expected: one a normalization, " + normalizations.size() + ")");
    }
    List<Map<String, Double>> members = new ArrayList<>();
    json.path("held_out").path("members").forEach(figures -> members.add(figures(figures)));
    JsonNode trunk = json.path("trunk");
    JsonNode calibration = json.path("calibration");
    return new ScoringSpec(
        choice(ScoringKind.values(), ScoringKind::name, json.path("kind"), "kind"),
        features,
        json.path("hidden_width").asInt(-1),
        choice(
            HeadActivation.values(), HeadActivation::code, json.path("activation"), "activation"),
        new TrunkReference(
            text(trunk, "model"),
            text(trunk, "version"),
            text(trunk, "weights_sha256"),
            trunkText(trunk)),
        promptTokens(json.path("prompt_tokens")),
        count(json.path("own_blocks"), "own_blocks"),
        normalizations,
        numbers(json.path("inverse_temperatures"), "inverse_temperatures"),
        new Calibration(number(calibration, "a"), number(calibration, "b")),
        members,
        figures(json.path("held_out").path("ensemble")));
  }

  /** How the trunk read texts; without a tokenizer's checksum it is not said. */
  private static Optional<TrunkText> trunkText(JsonNode trunk) {
    return trunk.has(TOKENIZER)
        ? Optional.of(
            new TrunkText(
                text(trunk, TOKENIZER),
                trunk.has(TEMPLATE) ? Optional.of(text(trunk, TEMPLATE)) : Optional.empty()))
        : Optional.empty();
  }

  private static <E extends Enum<E>> E choice(
      E[] values, Function<E, String> code, JsonNode node, String field) {
    for (E value : values) {
      if (code.apply(value).equals(node.asText())) {
        return value;
      }
    }
    throw new IllegalArgumentException(
        field
            + ": "
            + node
            + " (expected: one of "
            + Arrays.stream(values).map(code).toList()
            + ")");
  }

  private static Map<String, Double> figures(JsonNode object) {
    Map<String, Double> figures = new LinkedHashMap<>();
    object.properties().forEach(p -> figures.put(p.getKey(), p.getValue().asDouble()));
    return figures;
  }

  private static List<Double> numbers(JsonNode array, String field) {
    List<Double> numbers = new ArrayList<>();
    for (int i = 0; i < array.size(); i++) {
      if (!array.path(i).isNumber()) {
        throw new IllegalArgumentException(
            field + "[" + i + "]: " + array.path(i) + " (expected: a number)");
      }
      numbers.add(array.path(i).asDouble());
    }
    return numbers;
  }

  private static OptionalInt promptTokens(JsonNode node) {
    if (node.isMissingNode()) {
      return OptionalInt.empty();
    }
    if (!node.isInt()) {
      throw new IllegalArgumentException(
          "prompt_tokens: " + node + " (expected: a whole number; 0 means all)");
    }
    return OptionalInt.of(node.asInt());
  }

  private static int count(JsonNode node, String field) {
    if (node.isMissingNode()) {
      return 0;
    }
    if (!node.isInt()) {
      throw new IllegalArgumentException(field + ": " + node + " (expected: a whole number)");
    }
    return node.asInt();
  }

  private static double number(JsonNode object, String field) {
    JsonNode node = object.path(field);
    if (!node.isNumber()) {
      throw new IllegalArgumentException(field + ": " + node + " (expected: a number)");
    }
    return node.asDouble();
  }

  private static String text(JsonNode object, String field) {
    JsonNode node = object.path(field);
    if (!node.isTextual()) {
      throw new IllegalArgumentException(field + ": " + node + " (expected: a text)");
    }
    return node.asText();
  }

  private static ModelException invalid(Path file, String what) {
    return new ModelException(Reason.INVALID_FOLDER, file + ": " + what);
  }
}
