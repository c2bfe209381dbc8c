package io.ballast.policy.wiring;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.ServingOptions;
import io.ballast.policy.config.PolicyConfig;
import io.ballast.policy.testing.TestMesh;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What an operator sets of decoders reaches them, and what not stays as it is by default. */
class DecoderLimitsTest {
  private static final long BUDGET = 5_000L << 20;

  private static ServingOptions serving(Map<String, String> properties) {
    return DecoderLimits.serving(
        PolicyConfig.from(TestMesh.properties(properties)).engine(), BUDGET);
  }

  @Test
  void unsetTheyAreTheDefaultsWithinTheBudget() {
    ServingOptions defaults = ServingOptions.defaults();

    assertThat(serving(Map.of()))
        .isEqualTo(defaults.withKeyValueBytes(Math.min(BUDGET / 5, defaults.keyValueBytes())));
  }

  @Test
  void whatIsSetChangesThatAlone() {
    ServingOptions unset = serving(Map.of());

    assertThat(serving(Map.of("ballast.policy.arithmetic", "FLOAT32")))
        .isEqualTo(unset.withArithmetic(Arithmetic.FLOAT32));
    assertThat(serving(Map.of("ballast.policy.arithmetic", "BFLOAT16_PRODUCTS")))
        .isEqualTo(unset.withArithmetic(Arithmetic.BFLOAT16_PRODUCTS));
    assertThat(serving(Map.of("ballast.policy.batch-invariant", "true")))
        .isEqualTo(unset.withBatchInvariant(true));
    assertThat(serving(Map.of("ballast.policy.decode-lanes", "3")))
        .isEqualTo(unset.withDecodeLanes(3));
    assertThat(serving(Map.of("ballast.policy.key-value-mebibytes", "7")))
        .isEqualTo(unset.withKeyValueBytes(7 << 20).withPrefixCacheBytes((7 << 20) / 8));
  }
}
