package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.chat.ChatMessage;
import io.ballast.inference.chat.ChatTemplate;
import io.ballast.inference.gguf.GgufModel;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.store.WeightType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Compares a GGUF model read here with what transformers says of the same file: {@code
 * src/test/python/gguf_model.py} says how to run it. Token ids and chats must be the same, logits
 * differ by less than 1e-3 (by less than 2 where the weights are written in 16 bits), the
 * perplexity by less than 1 %, and greedy tokens in 32 bits not at all. How large the differences
 * are, and how far greedy tokens agree with products in 16 bits, is printed. No part of the usual
 * tests, which need neither Python nor a model of 100 MB.
 */
class GgufParityCheck {
  @TempDir private Path folder;

  @Test
  void theFileIsTheSameModelHere() throws IOException {
    Path parity = Path.of(System.getProperty("ballast.parity", "the folder of gguf_model.py"));
    JsonNode expected = new ObjectMapper().readTree(parity.resolve("expected.json").toFile());
    SafetensorsFile tensors = SafetensorsFile.open(parity.resolve("expected.safetensors"));
    Path gguf = Path.of(expected.path("gguf").asText());
    for (WeightType type : List.of(WeightType.FLOAT32, WeightType.BFLOAT16)) {
      Path model = folder.resolve(type.code());
      long start = System.nanoTime();
      GgufModel.write(gguf, model, type, part -> {});
      System.out.printf("%s: written in %.1f s%n", type, (System.nanoTime() - start) / 1e9);
      compare(expected, tensors, model, type);
    }
  }

  private static void compare(
      JsonNode expected, SafetensorsFile tensors, Path model, WeightType type) {
    boolean exact = type == WeightType.FLOAT32;
    try (HuggingFaceTokenizerAdapter tokenizer = HuggingFaceTokenizerAdapter.ofFolder(model);
        TrainableDecoder decoder =
            TrainableDecoder.load(model, Arithmetic.FLOAT32, OptimizerOptions.pretraining())) {
      int index = 0;
      double gap = 0;
      for (JsonNode c : expected.path("cases")) {
        TokenIds ids = tokenizer.encode(c.path("prompt").asText());
        assertThat(ids).isEqualTo(ids(c.path("ids")));
        String name = "logits." + index++;
        float[] wanted = tensors.read(name, tensors.shape(name));
        float[] found = TransformersParityCheck.logits(decoder, ids.toArray());
        for (int i = 0; i < wanted.length; i++) {
          gap = Math.max(gap, Math.abs(wanted[i] - found[i]));
        }
      }
      System.out.printf("%s: largest difference of logits %.1e%n", type, gap);
      double perplexity = perplexity(expected, tokenizer, decoder);
      System.out.printf(
          "%s: perplexity %.4f, in transformers %.4f%n",
          type, perplexity, expected.path("perplexity").asDouble());
      assertThat(gap).isLessThan(exact ? 1e-3 : 2);
      assertThat(perplexity / expected.path("perplexity").asDouble()).isCloseTo(1, within(0.01));
    }
    if (exact) {
      generate(expected, model);
      chat(expected, model);
    }
  }

  private static double perplexity(
      JsonNode expected, HuggingFaceTokenizerAdapter tokenizer, TrainableDecoder decoder) {
    double sum = 0;
    long count = 0;
    List<CompletionGroup> groups = new ArrayList<>();
    for (JsonNode text : expected.path("texts")) {
      TokenIds wanted = ids(text.path("ids"));
      TokenIds ids = tokenizer.encode(text.path("text").asText());
      assertThat(ids.slice(0, Math.min(ids.size(), wanted.size()))).isEqualTo(wanted);
      if (wanted.size() > 1) {
        groups.add(
            new CompletionGroup(wanted.slice(0, 1), List.of(wanted.slice(1, wanted.size()))));
      }
    }
    for (GroupScores scores : decoder.scores(groups)) {
      PerToken logProbs = scores.logProbs().getFirst();
      for (int t = 0; t < logProbs.size(); t++) {
        sum -= logProbs.get(t);
        count++;
      }
    }
    assertThat(count).isEqualTo(expected.path("predicted_tokens").asLong());
    return Math.exp(sum / count);
  }

  private static void generate(JsonNode expected, Path model) {
    for (Arithmetic arithmetic : List.of(Arithmetic.FLOAT32, Arithmetic.BFLOAT16_PRODUCTS)) {
      try (TorchDecoder decoder =
          TorchDecoder.load(model, new ServingOptions(arithmetic, 8, 8, 2_048))) {
        for (JsonNode c : expected.path("cases")) {
          String prompt = c.path("prompt").asText();
          GenerationRequest request =
              new GenerationRequest(prompt, false, 0, SamplingOptions.greedy(24));
          Generation generation = decoder.generate(request, token -> {}).result().join();
          TokenIds wanted = ids(c.path("greedy"));
          int same = Arrays.mismatch(generation.tokens().toArray(), wanted.toArray());
          System.out.printf(
              "greedy, %s: %s of %d tokens the same: %s%n",
              arithmetic, same < 0 ? "all" : "" + same, wanted.size(), prompt + generation.text());
          if (arithmetic == Arithmetic.FLOAT32) {
            assertThat(generation.tokens()).as(prompt).isEqualTo(wanted);
          }
        }
      }
    }
  }

  private static void chat(JsonNode expected, Path model) {
    ChatTemplate template = ChatTemplate.ofFolder(model).orElseThrow();
    for (JsonNode conversation : expected.path("chats")) {
      List<ChatMessage> messages = new ArrayList<>();
      for (JsonNode message : conversation.path("messages")) {
        messages.add(
            new ChatMessage(message.path("role").asText(), message.path("content").asText()));
      }
      assertThat(template.render(messages, true))
          .isEqualTo(conversation.path("with_prompt").asText());
      assertThat(template.render(messages, false)).isEqualTo(conversation.path("without").asText());
    }
    System.out.println("chats: the same");
  }

  private static TokenIds ids(JsonNode list) {
    int[] ids = new int[list.size()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = list.path(i).asInt();
    }
    return TokenIds.of(ids);
  }
}
