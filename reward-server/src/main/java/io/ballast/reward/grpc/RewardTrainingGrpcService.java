package io.ballast.reward.grpc;

import io.ballast.kit.grpc.ContextPatience;
import io.ballast.kit.grpc.Replies;
import io.ballast.reward.core.training.JudgementUploads;
import io.ballast.reward.core.training.TrainingBook;
import io.ballast.reward.core.training.TrainingDesk;
import io.ballast.reward.v1.CancelTrainingRequest;
import io.ballast.reward.v1.CancelTrainingResponse;
import io.ballast.reward.v1.GetTrainingRequest;
import io.ballast.reward.v1.GetTrainingResponse;
import io.ballast.reward.v1.ListTrainingsRequest;
import io.ballast.reward.v1.ListTrainingsResponse;
import io.ballast.reward.v1.RewardTrainingServiceGrpc;
import io.ballast.reward.v1.StartTrainingRequest;
import io.ballast.reward.v1.StartTrainingResponse;
import io.ballast.reward.v1.WatchTrainingRequest;
import io.ballast.reward.v1.WatchTrainingResponse;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;

/** The training API's edge: translates, delegates, answers. Decides nothing. */
public final class RewardTrainingGrpcService
    extends RewardTrainingServiceGrpc.RewardTrainingServiceImplBase {
  private final TrainingBook book;
  private final TrainingDesk desk;
  private final JudgementUploads uploads;
  private final TrainingMapper mapper;
  private final TrainingPlanMapper plans;
  private final UploadPatience patience;
  private final Replies replies;

  /**
   * @param patience with callers who send a file
   */
  public RewardTrainingGrpcService(
      TrainingBook book,
      TrainingDesk desk,
      JudgementUploads uploads,
      TrainingMapper mapper,
      TrainingPlanMapper plans,
      UploadPatience patience,
      Replies replies) {
    this.book = book;
    this.desk = desk;
    this.uploads = uploads;
    this.mapper = mapper;
    this.plans = plans;
    this.patience = patience;
    this.replies = replies;
  }

  @Override
  public StreamObserver<StartTrainingRequest> startTraining(
      StreamObserver<StartTrainingResponse> observer) {
    StartTrainingSession session =
        new StartTrainingSession(
            desk,
            uploads,
            mapper,
            plans,
            patience,
            (ServerCallStreamObserver<StartTrainingResponse>) observer);
    replies.unary(observer, session::answer);
    return session;
  }

  @Override
  public void getTraining(
      GetTrainingRequest request, StreamObserver<GetTrainingResponse> observer) {
    replies.unary(
        observer,
        () ->
            GetTrainingResponse.newBuilder()
                .setTraining(
                    TrainingMapper.message(
                        book.get(
                            mapper.tenant(request.getMetadata()),
                            TrainingMapper.id(request.getTrainingId()))))
                .build());
  }

  @Override
  public void listTrainings(
      ListTrainingsRequest request, StreamObserver<ListTrainingsResponse> observer) {
    replies.unary(
        observer,
        () -> {
          ListTrainingsResponse.Builder response = ListTrainingsResponse.newBuilder();
          book.list(mapper.tenant(request.getMetadata()))
              .forEach(training -> response.addTrainings(TrainingMapper.message(training)));
          return response.build();
        });
  }

  @Override
  public void watchTraining(
      WatchTrainingRequest request, StreamObserver<WatchTrainingResponse> observer) {
    replies.<WatchTrainingResponse>follow(
        observer,
        sink ->
            book.watch(
                mapper.tenant(request.getMetadata()),
                TrainingMapper.id(request.getTrainingId()),
                training ->
                    sink.send(
                        WatchTrainingResponse.newBuilder()
                            .setTraining(TrainingMapper.message(training))
                            .build()),
                ContextPatience.ofFollower(sink)));
  }

  @Override
  public void cancelTraining(
      CancelTrainingRequest request, StreamObserver<CancelTrainingResponse> observer) {
    replies.unary(
        observer,
        () ->
            CancelTrainingResponse.newBuilder()
                .setTraining(
                    TrainingMapper.message(
                        desk.cancel(
                            mapper.tenant(request.getMetadata()),
                            TrainingMapper.id(request.getTrainingId()),
                            ContextPatience.ofCurrentCall())))
                .build());
  }
}
