"""Serves a classifier in the manner of OpenRLHF's serve_rm: the model runs in the event loop, a request at a time."""

from classifier_scorer import Scorer, run


def serve(folder, port, threads):
    import fastapi
    import uvicorn
    from fastapi.responses import JSONResponse

    scorer = Scorer(folder, threads)
    app = fastapi.FastAPI()

    @app.post("/get_reward")
    async def get_reward(request: fastapi.Request):
        rewards = scorer.scores((await request.json())["query"])
        return JSONResponse({"rewards": rewards, "scores": rewards, "extra_logs": {"dummy_scores": rewards}})

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    run("fastapi", serve)
