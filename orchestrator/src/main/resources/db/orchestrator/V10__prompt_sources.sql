-- Where the training prompts came from, how many each source gave, and what was left out; of a run from before: '[]'.

alter table run_prompts add column sources text not null default '[]';
