package io.ballast.reward.http;

import io.ballast.kit.error.MeshException;
import io.ballast.testing.fuzz.FuzzedFiles;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whatever is posted in either dialect is read, or named as what is wrong with it. */
@Timeout(value = 2, unit = TimeUnit.HOURS) // of the longer lane, with its million inputs
class FuzzedBodiesTest {
  private static final long SEED = 8;
  private static final int MAX_ITEMS = 16;

  @Test
  void queriesWithPrompts() {
    assertTyped(
        new GetReward(),
        """
        {"query": ["int a = 1;", "int a = é"], "prompts": ["int a", "int a"],
         "labels": ["1", "2"], "other": [{"a": [1, 2]}, null]}
        """);
  }

  @Test
  void inputsToClassify() {
    assertTyped(
        new Classify(InstantSource.system()),
        """
        {"model": "java-reward", "input": ["int a = 1;", "int b"], "activation": false,
         "truncate_prompt_tokens": null}
        """);
  }

  private static void assertTyped(Dialect dialect, String body) {
    Options options =
        Options.read(
            Map.of("timeout", List.of("PT1S")), dialect.parameters(), Duration.ofSeconds(10));
    new FuzzedFiles(SEED, MeshException.class, 4)
        .assertTypedJson(
            body,
            bytes -> {
              var unused =
                  dialect.read(JsonBody.read(bytes, dialect.fields(options), MAX_ITEMS), options);
            });
  }
}
