package io.ballast.policy.core.version;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.policy.core.version.CanarySplit.Sticky;
import io.ballast.policy.core.version.CanarySplit.Subject;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Who gets a canary follows from names alone, in the share that was asked for. */
class CanarySplitTest {
  private final CanarySplit byTenant = new CanarySplit(Sticky.TENANT);
  private final CanarySplit byUser = new CanarySplit(Sticky.USER);

  @Test
  void aBucketIsTheHashOfNames() {
    // printf 'm\nserving\nacme\n\n' | sha256sum begins with these 16 digits
    long hash = Long.parseUnsignedLong("5b2852d968e013bb", 16);

    assertThat(byTenant.bucket("m", "serving", new Subject("acme", "ada")))
        .isEqualTo((int) Long.remainderUnsigned(hash, 10_000));
  }

  @Test
  void aTenantStaysOnOneSideAndItsUsersWithIt() {
    int bucket = byTenant.bucket("m", "serving", new Subject("acme", "ada"));

    assertThat(byTenant.bucket("m", "serving", new Subject("acme", "bob"))).isEqualTo(bucket);
    assertThat(byTenant.takes("m", "serving", new Subject("acme", "ada"), bucket)).isFalse();
    assertThat(byTenant.takes("m", "serving", new Subject("acme", "ada"), bucket + 1)).isTrue();
  }

  @Test
  void usersPartWhereTheyAreWhatStays() {
    assertThat(byUser.bucket("m", "serving", new Subject("acme", "ada")))
        .isNotEqualTo(byUser.bucket("m", "serving", new Subject("acme", "bob")));
    assertThat(byUser.bucket("m", "serving", new Subject("acme", "")))
        .isEqualTo(byTenant.bucket("m", "serving", new Subject("acme", "ada")));
  }

  @Test
  void theShareIsWhatWasAskedFor() {
    // 20,000 draws of p = 0.05: standard deviation 31
    long taken =
        IntStream.range(0, 20_000)
            .filter(i -> byTenant.takes("m", "serving", new Subject("tenant-" + i, ""), 500))
            .count();

    assertThat(taken).isBetween(1_000L - 5 * 31, 1_000L + 5 * 31);
  }
}
