package io.ballast.console.http;

import io.ballast.kit.error.MeshException;
import io.ballast.testing.fuzz.FuzzedFiles;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whatever is posted is read, or named as what is wrong with it. */
@Timeout(value = 2, unit = TimeUnit.HOURS) // of the longer lane, with its million inputs
class FuzzedBodiesTest {
  private static final long SEED = 8;

  @Test
  void questions() {
    new FuzzedFiles(SEED, MeshException.class, 2)
        .assertTypedJson(
            """
            {"prompt": "int a = é", "model": "java-tiny", "version": "1", "temperature": 0.5,
             "max_new_tokens": 8, "candidates_count": 2, "seed": 7, "gate_mode": "enforce",
             "with_reward": true, "with_cost": false}
            """,
            body -> {
              var unused = SuggestBody.read(body);
            });
  }

  @Test
  void hooksOfFlagger() {
    new FuzzedFiles(SEED, MeshException.class, 4)
        .assertTypedJson(
            """
            {"name": "mesh", "namespace": "ballast", "phase": "Progressing", "checksum": "1",
             "metadata": {"model": "java-tiny", "version": "2", "alias": "serving", "token": "t"}}
            """,
            body -> {
              var unused = FlaggerBody.read(body);
            });
  }
}
