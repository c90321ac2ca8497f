import { Stack, Table, Text, useComputedColorScheme } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { TreemapChart } from 'echarts/charts';
import { AriaComponent, TooltipComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { useEffect, useRef } from 'react';
import type { KernelMapView } from '#contract';
import { api } from '../parts/api.ts';
import { A } from '../parts/link.tsx';
import { Answer, Empty } from '../parts/states.tsx';
import { type TreeNode, treeOf } from './map-tree.ts';

use([TreemapChart, AriaComponent, TooltipComponent, SVGRenderer]);

type Folders = NonNullable<KernelMapView['folders']>;
const TABLE_ROWS = 40;

/** What is compiled into a kernel, by folder, with its open CVEs: a picture, and the same as a table beside it. */
export default function KernelMap({ kernel }: { readonly kernel: string }) {
  const map = useQuery({ queryKey: ['kernel-map', kernel], queryFn: () => api.kernelMap(kernel), staleTime: 300_000 });
  return (
    <Answer query={map} height={400}>
      {({ folders, elsewhere }) =>
        folders === null ? (
          <Empty>What is compiled into this kernel is not known: it has no profile yet.</Empty>
        ) : (
          <Stack>
            <Text className="quiet">
              The size of a field is how many files of the folder are compiled, its colour how many CVEs are open in
              them.
              {elsewhere > 0 && ` ${elsewhere.toLocaleString('en')} more are in no folder of this build.`}
            </Text>
            <div className="map">
              <Picture folders={folders} />
              <MapTable folders={folders} />
            </div>
          </Stack>
        )
      }
    </Answer>
  );
}

function Picture({ folders }: { readonly folders: Folders }) {
  const box = useRef<HTMLDivElement>(null);
  const dark = useComputedColorScheme('light') === 'dark';
  useEffect(() => {
    const chart = init(box.current, null, { renderer: 'svg' });
    chart.setOption(optionOf(treeOf(folders), dark));
    const onSize = new ResizeObserver(() => chart.resize());
    onSize.observe(box.current!);
    return () => {
      onSize.disconnect();
      chart.dispose();
    };
  }, [folders, dark]);
  return (
    <div
      ref={box}
      className="map-picture"
      role="img"
      aria-label="Compiled folders by size and open CVEs; the table has the same figures"
    />
  );
}

/** Light to dark with the number of CVEs: told apart without seeing red from green. */
const SHADES = ['#e8e8e8', '#f6d8b0', '#eda85f', '#d55e00', '#8a1c1c'] as const;
const LIMITS = [1, 5, 20, 80] as const;

function shadeOf(cves: number): string {
  return SHADES[LIMITS.filter((limit) => cves >= limit).length]!;
}

function optionOf(tree: readonly TreeNode[], dark: boolean) {
  const colored = (nodes: readonly TreeNode[]): object[] =>
    nodes.map(({ name, value, affected, open, children }) => ({
      name,
      value,
      affected,
      open,
      itemStyle: { color: shadeOf(affected + open) },
      label: { color: affected + open >= LIMITS[2] ? '#fff' : '#222' },
      children: colored(children),
    }));
  return {
    aria: { enabled: true },
    animation: false,
    tooltip: {
      renderMode: 'richText',
      formatter: ({ name, data }: { name: string; data: Partial<TreeNode> }) =>
        `${name}: ${data.value ?? 0} files, ${data.affected ?? 0} affected, ${data.open ?? 0} not decided`,
    },
    series: [
      {
        type: 'treemap',
        data: colored(tree),
        leafDepth: 1,
        roam: false,
        left: 0,
        right: 0,
        top: 0,
        bottom: 32,
        breadcrumb: {
          bottom: 0,
          itemStyle: { color: dark ? '#444' : '#ddd', textStyle: { color: dark ? '#fff' : '#222' } },
        },
        itemStyle: { borderColor: dark ? '#242424' : '#fff', gapWidth: 1 },
      },
    ],
  };
}

function MapTable({ folders }: { readonly folders: Folders }) {
  const worst = folders.toSorted((a, b) => b.affected - a.affected || b.open - a.open || b.files - a.files);
  return (
    <div className="map-table" role="group" tabIndex={0} aria-label="Folders, the most affected first">
      <Table stickyHeader>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Folder</Table.Th>
            <Table.Th ta="right">Files</Table.Th>
            <Table.Th ta="right">Affected</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {worst.slice(0, TABLE_ROWS).map(({ path, files, affected }) => (
            <Table.Tr key={path}>
              <Table.Td>
                <A to="." search={(now: object) => ({ ...now, q: `${path}/` })} size="sm" ff="monospace">
                  {path}
                </A>
              </Table.Td>
              <Table.Td ta="right">{files.toLocaleString('en')}</Table.Td>
              <Table.Td ta="right">{affected.toLocaleString('en')}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}
