create table book (
  title text primary key
);
