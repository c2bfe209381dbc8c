package io.ballast.inference.torch;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.ballast.inference.api.ModelException;
import io.ballast.testing.fuzz.FuzzedFiles;

/**
 * Files from Jazzer, which looks for inputs that reach further: {@code JAZZER_FUZZ=1 ./mesh test
 * inference -- -Dtest=SafetensorsFuzz}.
 */
class SafetensorsFuzz {
  @FuzzTest(maxDuration = "4m") // below the five minutes that a test may take
  void whatAFuzzerFinds(byte[] file) {
    new FuzzedFiles(0, ModelException.class, 1).read(file, FuzzedFoldersTest.SAFETENSORS);
  }
}
