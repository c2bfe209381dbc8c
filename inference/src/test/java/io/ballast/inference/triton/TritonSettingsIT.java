package io.ballast.inference.triton;

import static io.ballast.inference.triton.Failures.failure;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.triton.TritonException.Reason;
import io.ballast.testing.RealTriton;
import io.ballast.testing.TritonInstallation;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the real Triton logs and traces, and how that is changed. */
class TritonSettingsIT {
  private static final ServerSettings SETTINGS = SharedTriton.client().settings();

  @Test
  void theLogLevelIsChangedAndChangedBack() {
    ParameterValue before = SETTINGS.log().get("log_verbose_level");
    assertThat(before).isEqualTo(ParameterValue.of(0));

    assertThat(SETTINGS.log(Map.of("log_verbose_level", ParameterValue.of(1))))
        .containsEntry("log_verbose_level", ParameterValue.of(1));
    assertThat(SETTINGS.log(Map.of("log_verbose_level", ParameterValue.of(0))))
        .containsEntry("log_verbose_level", ParameterValue.of(0));
  }

  @Test
  void theLogFileIsNotChangedFromAfar() {
    assertThat(
            failure(
                Reason.UNSUPPORTED,
                () -> SETTINGS.log(Map.of("log_file", ParameterValue.of("elsewhere")))))
        .contains("log file location can not be updated through network protocol");
  }

  @Test
  void withoutAFileNothingIsTraced() {
    assertThat(SETTINGS.trace()).containsEntry("trace_level", List.of("OFF"));
    assertThat(
            failure(
                Reason.BAD_REQUEST,
                () -> SETTINGS.trace("", Map.of("trace_level", List.of("TIMESTAMPS")))))
        .contains("trace file name is not given");
  }

  @Test
  void withAFileAModelIsTraced(@TempDir Path folder) throws Exception {
    try (RealTriton server =
            RealTriton.start(
                TritonInstallation.FILES.resolve("models"),
                List.of(
                    "--load-model=double",
                    "--trace-config=mode=triton",
                    "--trace-config=triton,file=" + folder.resolve("trace.json"),
                    "--trace-config=level=OFF"));
        KServeConnection connection =
            KServeConnection.open(server.address(), KServeSettings.defaults())) {
      ServerSettings settings = connection.client().settings();

      Map<String, List<String>> now =
          settings.trace(
              "double", Map.of("trace_level", List.of("TIMESTAMPS"), "trace_rate", List.of("1")));
      assertThat(now).containsEntry("trace_level", List.of("TIMESTAMPS"));
      assertThat(settings.trace()).containsEntry("trace_level", List.of("OFF"));

      connection
          .client()
          .infer(InferRequest.of("double").input(Tensor.floats("X", List.of(1L), 1)).build());
      assertThat(settings.trace("double", Map.of("trace_level", List.of())))
          .containsEntry("trace_level", List.of("OFF"));
      assertThat(
              failure(
                  Reason.UNSUPPORTED,
                  () -> settings.trace("", Map.of("trace_file", List.of("elsewhere")))))
          .contains("trace file location can not be updated through network protocol");
      server.stop();
    }
    try (var files = Files.list(folder)) {
      assertThat(files.toList())
          .anySatisfy(
              file -> assertThat(Files.readString(file)).contains("\"model_name\":\"double\""));
    }
  }
}
