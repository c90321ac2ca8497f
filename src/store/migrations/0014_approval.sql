-- Who may approve livepatches, by the public half of a key. What they approve is in signed files beside each livepatch.
CREATE TABLE reviewer (
  name text PRIMARY KEY,
  aliases text[] NOT NULL,
  key_id text NOT NULL UNIQUE,
  public_key text NOT NULL,
  added_by text NOT NULL,
  added_at timestamptz NOT NULL
);

-- Public halves of the keys that gate records are signed with: of this installation, and of those before a key was lost.
CREATE TABLE gate_key (
  key_id text PRIMARY KEY,
  public_key text NOT NULL,
  added_at timestamptz NOT NULL
);
