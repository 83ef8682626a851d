/** The schema, step by step; a step that was published is never changed. */
export interface Migration {
  readonly id: number
  readonly statements: string
}

/**
 * What changes with every batch is apart from what may be large, as SQLite writes a changed row anew as a whole.
 * Columns of values hold JSON; null: the value is absent. Times are of type `real`, as clocks may be finer than
 * milliseconds.
 */
export const migrations: readonly Migration[] = [
  {
    id: 1,
    statements: `
      create table taskflow_books (
        id text primary key not null,
        name text not null,
        meta text not null
      ) strict, without rowid;

      -- The key gives the order of creation. Ordinals: the next one that an atom of the run gets.
      create table taskflow_flows (
        key integer primary key,
        id text not null unique,
        book text,
        name text not null,
        state text not null,
        intention text not null,
        fence integer not null,
        ordinals integer not null default 0,
        created_at real not null,
        updated_at real not null
      ) strict;
      create index taskflow_flows_by_state on taskflow_flows (state);
      create index taskflow_flows_by_book on taskflow_flows (book, state);

      create table taskflow_flow_details (
        flow integer primary key,
        inputs text not null,
        meta text not null,
        plan text not null,
        cancelled text not null
      ) strict;

      -- The ordinal gives the order in which atoms first left PENDING. Attempts_kept: of the history; null: it has none.
      create table taskflow_atoms (
        flow integer not null,
        name text not null,
        ordinal integer not null,
        kind text not null,
        version text not null,
        state text not null,
        intention text not null,
        attempts integer not null,
        result text,
        failure text,
        revert_result text,
        revert_failure text,
        progress text,
        meta text,
        began_at real,
        ended_at real,
        attempts_kept integer,
        primary key (flow, name)
      ) strict, without rowid;

      create table taskflow_attempts (
        flow integer not null,
        atom text not null,
        number integer not null,
        value text not null,
        primary key (flow, atom, number)
      ) strict, without rowid;

      create table taskflow_attempt_failures (
        key integer primary key,
        flow integer not null,
        retry text not null,
        number integer not null,
        atom text not null,
        failure text not null,
        unique (flow, retry, number, atom)
      ) strict;
    `,
  },
  {
    id: 2,
    statements: `
      -- Free at: when whoever takes the best job may be given it: the end of a claim, or of a delay.
      create table taskflow_jobs (
        sequence integer primary key autoincrement,
        id text not null unique,
        name text not null,
        priority integer not null,
        factory text not null,
        parameters text not null,
        run text not null,
        book text,
        meta text not null,
        posted_at real not null,
        attempts integer not null default 0,
        fence integer not null default 0,
        owner text,
        expires_at real,
        not_before real,
        free_at real not null default 0,
        trash_reason text,
        trashed_at real
      ) strict;
      create index taskflow_jobs_by_place on taskflow_jobs (priority, sequence) where trashed_at is null;
      create index taskflow_jobs_by_time on taskflow_jobs (factory, free_at) where trashed_at is null;
    `,
  },
]

/**
 * The last step of the schema that this program knows: the highest `id` in the table `taskflow_migrations` of a file that
 * is up to date, which it is once it was opened. For whoever looks at a file without opening a store.
 *
 * @example
 * console.log(schemaVersion >= 2) // true
 */
export const schemaVersion: number = migrations.at(-1)!.id
