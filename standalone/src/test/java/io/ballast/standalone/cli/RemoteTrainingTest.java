package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.StatusMapper;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A refusal of rows is known by their count, which the server tells with it. */
class RemoteTrainingTest {
  private static StatusRuntimeException refusal(Map<String, String> metadata) {
    return new StatusMapper("reward-server")
        .judge(new MeshException(Fault.MALFORMED_REQUEST, "refused", metadata))
        .answer();
  }

  @Test
  void theCountOfBadRowsTellsThem() {
    assertThat(
            RemoteTraining.isOfBadRows(
                refusal(Map.of("bad_rows_count", "2", "rows[7]", "no JSON"))))
        .isTrue();
    assertThat(RemoteTraining.isOfBadRows(refusal(Map.of("rows[7]", "another thing")))).isFalse();
    assertThat(RemoteTraining.isOfBadRows(Status.INVALID_ARGUMENT.asRuntimeException())).isFalse();
  }
}
