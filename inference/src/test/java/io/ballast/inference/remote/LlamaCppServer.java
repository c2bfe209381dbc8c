package io.ballast.inference.remote;

import io.ballast.testing.TritonInstallation;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** A real llama.cpp server on a free port of this machine. It ends with this JVM. */
final class LlamaCppServer implements AutoCloseable {
  private static final String READY = "READY ";

  private final Process process;
  private final URI address;

  /** Serves a GGUF file, and waits until it is ready. */
  LlamaCppServer(Path gguf, int contextTokens) throws IOException {
    Path log = Files.createTempFile("llama", ".log");
    log.toFile().deleteOnExit();
    process =
        new ProcessBuilder(
                TritonInstallation.home().resolve("venv/bin/python").toString(),
                TritonInstallation.FILES.resolve("llama_server.py").toString(),
                gguf.toString(),
                Integer.toString(contextTokens))
            .redirectError(log.toFile())
            .start();
    BufferedReader said =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    for (String line = said.readLine(); ; line = said.readLine()) {
      if (line == null) {
        throw new AssertionError("llama.cpp's server did not start: " + Files.readString(log));
      }
      if (line.startsWith(READY)) {
        address = URI.create(line.substring(READY.length()));
        return;
      }
    }
  }

  URI address() {
    return address;
  }

  @Override
  public void close() {
    process.destroyForcibly().onExit().join();
  }
}
