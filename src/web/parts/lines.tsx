import { Text, VisuallyHidden } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { keepPreviousData, type UseInfiniteQueryResult, useInfiniteQuery } from '@tanstack/react-query';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { FetchPage } from './export.tsx';
import { Empty, Failed, Loading } from './states.tsx';

const PAGE = 200;
const REFRESH_MS = 30_000;
const MOST_REFRESHED = 2;
/** Lines that are drawn above and below what is seen. */
const OVERSCAN = 8;
const NARROW = '(max-width: 48em)';

export interface Column<T> {
  readonly name: string;
  /** A track of a CSS grid. */
  readonly width: string;
  readonly cell: (row: T) => ReactNode;
  /** On a narrow screen it is left out; its words must then stand in another cell, or not matter there. */
  readonly wideOnly?: boolean;
}

type Pages<T> = { readonly pages: readonly { readonly rows: readonly T[]; readonly next: string | null }[] };

/** A list that is read page after page as somebody scrolls. */
export function useLines<T>(key: readonly unknown[], fetchPage: FetchPage<T>): UseInfiniteQueryResult<Pages<T>> {
  return useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam }) => fetchPage(pageParam === '' ? undefined : pageParam, PAGE),
    initialPageParam: '',
    getNextPageParam: (last) => last.next,
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (isFarScrolled(state.data) ? false : REFRESH_MS),
    refetchOnWindowFocus: false,
  });
}

/** Who has scrolled far would have every page read again each time. */
export function isFarScrolled(data: unknown): boolean {
  const { pages } = (data ?? {}) as { pages?: unknown };
  return Array.isArray(pages) && pages.length > MOST_REFRESHED;
}

interface Props<T> {
  readonly label: string;
  readonly query: UseInfiniteQueryResult<Pages<T>>;
  readonly columns: readonly Column<T>[];
  readonly keyOf: (row: T) => string;
  /** Pixels of a line, on a wide screen and on a narrow one. */
  readonly heights: readonly [number, number];
  /** How many lines there are, if that is known. */
  readonly total?: number | undefined;
  readonly empty: ReactNode;
}

/** A table of any length, of which only what is seen is drawn. Arrow keys go from line to line. */
export function Lines<T>(props: Props<T>) {
  const { query, empty } = props;
  if (query.data === undefined)
    return query.isError ? <Failed error={query.error} retry={() => void query.refetch()} /> : <Loading height={400} />;
  const rows = query.data.pages.flatMap((page) => page.rows);
  return (
    <>
      {query.isError && <Failed error={query.error} retry={() => void query.refetch()} />}
      {rows.length === 0 ? <Empty>{empty}</Empty> : <Table {...props} rows={rows} />}
    </>
  );
}

function Table<T>({ label, query, columns, keyOf, heights, total, rows }: Props<T> & { readonly rows: readonly T[] }) {
  const narrow = useMediaQuery(NARROW, window.matchMedia(NARROW).matches) ?? false;
  const height = heights[narrow ? 1 : 0];
  const { list, top, lines } = useSeen(query, rows.length, height);
  const shown = columns.filter(({ wideOnly }) => !(narrow && wideOnly === true));
  const grid = { gridTemplateColumns: shown.map(({ width }) => width).join(' ') };
  const count = total ?? (query.hasNextPage ? -1 : rows.length);
  return (
    <>
      <div
        role="table"
        aria-label={label}
        aria-rowcount={count === -1 ? -1 : count + 1}
        onKeyDown={step}
        aria-busy={query.isPlaceholderData}
      >
        <div role="rowgroup">
          <div role="row" className="line line-head" style={grid} aria-rowindex={1}>
            {shown.map(({ name }) => (
              <span role="columnheader" key={name}>
                {name}
              </span>
            ))}
          </div>
        </div>
        <div role="rowgroup" ref={list} style={{ height: lines.getTotalSize(), position: 'relative' }}>
          {lines.getVirtualItems().map(({ index, start }) => (
            <div
              role="row"
              key={keyOf(rows[index]!)}
              aria-rowindex={index + 2}
              data-line={index}
              className="line line-body"
              style={{ ...grid, height, transform: `translateY(${start - top}px)` }}
            >
              {shown.map(({ name, cell }) => (
                <div role="cell" key={name}>
                  {cell(rows[index]!)}
                </div>
              ))}
            </div>
          ))}
        </div>
      </div>
      {query.isFetchingNextPage && (
        <Text size="sm" c="dimmed" role="status">
          More is on its way
        </Text>
      )}
      {total !== undefined && <VisuallyHidden role="status">{total.toLocaleString('en')} found</VisuallyHidden>}
    </>
  );
}

/** Which lines are seen, by where the window stands; the next page is asked for before its lines are. */
function useSeen<T>(query: UseInfiniteQueryResult<Pages<T>>, count: number, height: number) {
  const list = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const measure = (): void =>
      setTop(list.current === null ? 0 : list.current.getBoundingClientRect().top + window.scrollY);
    measure();
    // What stands above comes when it is loaded, and moves the list down.
    const moved = new ResizeObserver(measure);
    moved.observe(document.body);
    return () => moved.disconnect();
  }, []);
  const lines = useWindowVirtualizer({ count, estimateSize: () => height, overscan: OVERSCAN, scrollMargin: top });
  const last = lines.getVirtualItems().at(-1)?.index ?? 0;
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = query;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && last >= count - PAGE / 2) void fetchNextPage();
  }, [last, count, hasNextPage, isFetchingNextPage, fetchNextPage]);
  useEffect(() => lines.measure(), [height, lines]);
  return { list, top, lines };
}

/** Arrow down and up go to the link or button of the next line. */
function step(event: KeyboardEvent<HTMLDivElement>): void {
  const by = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
  const line = (event.target as HTMLElement).closest<HTMLElement>('[data-line]');
  if (by === 0 || line === null) return;
  const next = event.currentTarget.querySelector<HTMLElement>(
    `[data-line="${Number(line.dataset['line']) + by}"] :is(a, button)`,
  );
  if (next === null) return;
  event.preventDefault();
  next.focus();
}
