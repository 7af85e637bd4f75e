// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Linux;
using Tombolo.Memory;
using Tombolo.Testing;

namespace Tombolo.Regions.Tests.Layout;

/// <summary>The guest's driver has checks of its own (guest/linux/region_table.c, compiled here): a layout that the host takes, it must take too, or a VM would find no regions.</summary>
public sealed class GuestDriverAgreesTests
{
    private const int Head = 16 + (3 * 60), Cases = 20_000;

    private static readonly RegionLayout _phone = LayoutFileTests.Layout(
        LayoutFileTests.Region("hwcomposer", "\"region_size\": 65536", """, "managed_by": "fb" """), LayoutFileTests.Region("input", "\"region_size\": 4096"), LayoutFileTests.Region("fb", "\"region_size\": 8192"));

    [Fact]
    public void WhatTheHostTakes_TheDriverTakes()
    {
        using var folder = new TemporaryFolder();
        byte[] tables = Tables(new(20261121), out bool[] taken);
        taken.Count(static one => one).ShouldBeInRange(Cases / 20, Cases * 19 / 20, "tables of both kinds");
        File.WriteAllBytes(folder["tables"], tables);
        string verdicts = Verdicts(folder);
        verdicts.Length.ShouldBe(Cases);
        for (int index = 0; index < Cases; index++)
            if (taken[index]) verdicts[index].ShouldBe('1', $"the driver refuses {Convert.ToHexString(tables, index * Head, Head)}");
    }

    // A sound table with a few changes each: of names, which can be nearly anything, and of anything.
    private static byte[] Tables(Random random, out bool[] taken)
    {
        using SafeFd memory = Memfd.Create("agrees", _phone.WindowBytes);
        using Window window = Window.Map(memory);
        byte[] all = new byte[Cases * Head];
        taken = new bool[Cases];
        _phone.Write(window);
        byte[] sound = new byte[Head];
        window.View(0, Head).CopyOut(0, sound);
        for (int index = 0; index < Cases; index++)
        {
            Span<byte> table = all.AsSpan(index * Head, Head);
            sound.CopyTo(table);
            for (int change = random.Next(3); change > 0; change--) table[random.Next(4) == 0 ? random.Next(12) : random.Next(16, Head)] = (byte)random.Next(256);   // where the table is stays
            for (int change = random.Next(4); change > 0; change--) table[16 + (60 * random.Next(3)) + 40 + random.Next(4)] = (byte)random.Next('!', '~' + 1);
            window.View(0, Head).CopyIn(0, table);
            taken[index] = RegionLayout.TryRead(window, out _, out _);
        }
        return all;
    }

    private static string Verdicts(TemporaryFolder folder)
    {
        File.WriteAllText(folder["judge.c"], $$"""
            #include <stdio.h>
            #include "region_table.h"
            static struct { struct tombolo_region_layout layout; struct tombolo_region_descriptor regions[3]; } head;
            int main(void)
            {
            	while (fread(&head, sizeof(head), 1, stdin) == 1) {
            		int ok = head.layout.major_version == TOMBOLO_REGION_MAJOR && !tombolo_region_layout_check(&head.layout, {{_phone.WindowBytes}});

            		for (__u32 i = 0; ok && i < head.layout.region_count && i < 3; i++)
            			ok = !tombolo_region_check(head.regions, i, head.layout.region_count, {{_phone.WindowBytes}});
            		putchar('0' + ok);
            	}
            	return 0;
            }
            """, new UTF8Encoding(false));
        string sources = RepositoryFile.PathOf("guest/linux");
        using (Child compiler = new("gcc", "-Wall", "-Werror", "-o", folder["judge"], "-I", sources, folder["judge.c"], Path.Combine(sources, "region_table.c"))) compiler.WaitForExit().ShouldBe(0, compiler.Errors);
        using Child judge = new("sh", "-c", $"exec {folder["judge"]} <{folder["tables"]}");
        return judge.ReadLine().ShouldNotBeNull();
    }
}
