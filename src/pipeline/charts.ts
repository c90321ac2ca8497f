import type { EChartsCoreOption } from 'echarts';

const [WIDTH, HEIGHT] = [960, 480];
/** Told apart by people who do not see red and green alike (Okabe and Ito), and in print by lightness. */
const COLORS = {
  critical: '#8a1c1c',
  high: '#d55e00',
  lower: '#f0c860',
  'not scored': '#9aa5b1',
  share: '#0072b2',
} as const;
const TEXT = '#222';

export interface Series {
  readonly name: keyof typeof COLORS;
  readonly values: readonly number[];
}

/** Stacked bars by month, as SVG. */
export function barsByMonth(title: string, months: readonly string[], series: readonly Series[]): Promise<string> {
  return draw(title, {
    ...frame(title),
    xAxis: monthAxis(months),
    yAxis: { type: 'value', name: 'CVEs', nameTextStyle: { color: TEXT }, axisLabel: { color: TEXT } },
    series: series.map(({ name, values }) => ({
      name,
      type: 'bar',
      stack: 'all',
      data: [...values],
      itemStyle: { color: COLORS[name] },
    })),
  });
}

/** One share from 0 to 100 % by month, as SVG; null = no CVE in that month. */
export function shareByMonth(
  title: string,
  months: readonly string[],
  values: readonly (number | null)[],
): Promise<string> {
  return draw(title, {
    ...frame(title),
    legend: undefined,
    xAxis: monthAxis(months),
    yAxis: { type: 'value', min: 0, max: 100, axisLabel: { color: TEXT, formatter: '{value} %' } },
    series: [
      {
        name: 'share',
        type: 'line',
        data: [...values],
        itemStyle: { color: COLORS.share },
        symbolSize: 6,
        connectNulls: false,
      },
    ],
  });
}

/** Horizontal bars with their numbers; the axis is logarithmic, because the rarest matter most. */
export function countsByName(title: string, counts: readonly (readonly [string, number])[]): Promise<string> {
  const shown = counts.filter(([, count]) => count > 0).toReversed();
  return draw(title, {
    ...frame(title),
    legend: undefined,
    grid: { left: 200, right: 90, top: 70, bottom: 50 },
    xAxis: {
      type: 'log',
      min: 1,
      axisLabel: { color: TEXT, formatter: (n: number) => `${n}` },
    },
    yAxis: { type: 'category', data: shown.map(([name]) => name), axisLabel: { color: TEXT, fontSize: 14 } },
    series: [
      {
        type: 'bar',
        data: shown.map(([, count]) => count),
        itemStyle: { color: COLORS.share },
        label: { show: true, position: 'right', color: TEXT, fontSize: 14 },
      },
    ],
  });
}

function frame(title: string): EChartsCoreOption {
  return {
    animation: false,
    backgroundColor: '#fff',
    textStyle: { fontFamily: 'system-ui, sans-serif' },
    title: { text: title, left: 'center', top: 10, textStyle: { color: TEXT, fontSize: 18 } },
    legend: { bottom: 8, itemGap: 28, textStyle: { color: TEXT, fontSize: 13 } },
    grid: { left: 60, right: 30, top: 70, bottom: 90 },
  };
}

function monthAxis(months: readonly string[]): EChartsCoreOption {
  return { type: 'category', data: [...months], axisLabel: { color: TEXT, rotate: 45 } };
}

/** Loaded when a picture is drawn: no other command pays for it. */
async function draw(title: string, option: EChartsCoreOption): Promise<string> {
  const { init } = await import('echarts');
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  try {
    chart.setOption(option);
    // The library names its pictures only in a browser.
    return chart.renderToSVGString().replace('<svg ', `<svg role="img" aria-label="${title}" `);
  } finally {
    chart.dispose(); // Node does not end before it.
  }
}
