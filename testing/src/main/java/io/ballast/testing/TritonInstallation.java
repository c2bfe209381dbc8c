package io.ballast.testing;

import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Where inference's {@code src/test/triton/setup.sh} put Triton, and llama.cpp's server. */
public final class TritonInstallation {
  /** Our own models and scripts, as seen from any module. */
  public static final Path FILES =
      Path.of("..", "inference", "src", "test", "triton").toAbsolutePath().normalize();

  private TritonInstallation() {}

  /** Returns its folder; fails, never skips, where it is not set up. */
  public static Path home() {
    Path home = folder(System.getenv("BALLAST_TRITON_HOME"), System.getenv("XDG_CACHE_HOME"));
    if (!Files.exists(home.resolve("installed"))) {
      throw new AssertionError(
          "no Triton in %s: run ./mesh test --triton, or %s/setup.sh first".formatted(home, FILES));
    }
    return home;
  }

  private static Path folder(@Nullable String home, @Nullable String cache) {
    if (home != null && !home.isEmpty()) {
      return Path.of(home);
    }
    Path caches =
        cache != null && !cache.isEmpty()
            ? Path.of(cache)
            : Path.of(System.getProperty("user.home"), ".cache");
    return caches.resolve("ballast").resolve("triton");
  }
}
