// SPDX-License-Identifier: MIT
using System.Xml.Linq;
using FsCheck;
using FsCheck.Fluent;
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Regions.Tests.Layout;

public sealed class RegionLayoutTests
{
    private static readonly RegionLayout _phone = LayoutFileTests.Layout(
        LayoutFileTests.Region("hwcomposer", "\"region_size\": 1048576", """, "managed_by": "fb_manager" """), LayoutFileTests.Region("input", "\"region_size\": 4096"), LayoutFileTests.Region("fb_manager", "\"region_size\": 8192"));

    [Fact]
    public void Written_AndReadBack_IsTheSame_WhateverTheLayout() => Prop.ForAll(Gen.ListOf(
        from size in Gen.Choose(1, 300_000)
        from toHost in Gen.Choose(0, 10)
        from toGuest in Gen.Choose(0, 10)
        from version in Gen.Choose(0, 65535)
        select (size, toHost, toGuest, version)).Select(list => list.Take(40).ToArray()).Where(list => list.Length > 0).ToArbitrary(), drawn =>
    {
        string[] regions = [.. drawn.Select((region, index) => $$"""
            { "device_name": "r{{index}}", "current_version": {{region.version}}, "min_compatible_version": {{region.version / 2}}, "region_size": {{region.size + 8300}},
              "guest_to_host_signal_table": { "num_nodes_lg2": {{region.toHost}} }, "host_to_guest_signal_table": { "num_nodes_lg2": {{region.toGuest}} } {{(index > 1 ? """, "managed_by": "r1" """ : "")}} }
            """)];
        RegionLayout layout = LayoutFileTests.Layout(regions);
        using SafeFd memory = Memfd.Create("layout", layout.WindowBytes);
        using Window window = Window.Map(memory);
        layout.Write(window);
        RegionLayout.TryRead(window, out RegionLayout? back, out string fault).ShouldBeTrue(fault);
        back!.Regions.ShouldBe(layout.Regions);
        (back.Minor, back.WindowBytes, back.TableOffset).ShouldBe((layout.Minor, layout.WindowBytes, layout.TableOffset));
        long.IsPow2(layout.WindowBytes).ShouldBeTrue();
        layout.Regions.ShouldAllBe(region => region.DataOffset % 8 == 0 && region.Problem == null);
        layout.Regions.Zip(layout.Regions.Skip(1)).ShouldAllBe(pair => pair.First.EndOffset <= pair.Second.BeginOffset);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void TryRead_WindowThatAnybodyScribbledOn_NeverThrows_AndNeverLies()
    {
        using SafeFd memory = Memfd.Create("layout", _phone.WindowBytes);
        using Window window = Window.Map(memory);
        var random = new Random(7);
        byte[] noise = new byte[4];
        int refused = 0;
        for (int round = 0; round < 20_000; round++)
        {
            _phone.Write(window);
            random.NextBytes(noise);
            if (round % 3 == 0) noise.AsSpan().Fill((byte)(random.Next(2) * 255));
            window.View(0, 200).CopyIn(random.Next(0, 196), noise);
            if (!RegionLayout.TryRead(window, out RegionLayout? read, out string fault))
            {
                fault.ShouldNotBeEmpty();
                refused++;
                continue;
            }
            foreach (RegionDescriptor region in read!.Regions)
            {
                region.Problem.ShouldBeNull();
                ((long)region.EndOffset).ShouldBeLessThanOrEqualTo(window.LengthBytes);
                ((int)region.ManagedBy).ShouldBeLessThan(read.Regions.Count);
            }
        }
        refused.ShouldBeGreaterThan(1000);
    }

    [Fact]
    public void TryRead_EmptyWindow_IsRefused()
    {
        using SafeFd memory = Memfd.Create("layout", 4096);
        using Window window = Window.Map(memory);
        RegionLayout.TryRead(window, out _, out string fault).ShouldBeFalse();
        fault.ShouldContain("no layout of version 2");
    }

    [Fact]
    public void Write_KeepingSignals_LeavesTheTablesAlone()
    {
        using SafeFd memory = Memfd.Create("layout", _phone.WindowBytes);
        using Window window = Window.Map(memory);
        SharedView slot = window.View(_phone.Regions[0].BeginOffset, 4);
        slot.WriteRelease32(0, 77);
        _phone.Write(window, clearSignals: false);
        slot.ReadAcquire32(0).ShouldBe(77u);
        _phone.Write(window);
        slot.ReadAcquire32(0).ShouldBe(0u);
    }

    [Fact]
    public void Table_NamesEveryRegionWithItsPlace()
    {
        string[] lines = LayoutPicture.Table(_phone).Split('\n');
        lines.Length.ShouldBe(5);
        lines[1].Split(' ', StringSplitOptions.RemoveEmptyEntries).ShouldBe(["0", "hwcomposer", "0x1000", "0x101000", "1048576", "0x88", "16", "16", "0", "(>=", "0)", "fb_manager"]);
    }

    [Fact]
    public void Drawing_IsToScale_WithALineForTheSmallest()
    {
        string[] lines = LayoutPicture.Drawing(_phone, 32).Split('\n');
        int Height(string name) => lines.SkipWhile(line => !line.Contains($" {name} ", StringComparison.Ordinal)).TakeWhile(line => !line.StartsWith("0x", StringComparison.Ordinal)).Count();
        Height("input").ShouldBe(1);
        Height("hwcomposer").ShouldBe(17);   // half of the 2 MiB window: 16 of 32 lines, and its own
        lines[^2].ShouldStartWith("0x00200000");
    }

    [Fact]
    public void Svg_IsWellFormed_AndToScale()
    {
        XElement svg = XElement.Parse(LayoutPicture.Svg(_phone, "<phone> & \"co\""));
        XNamespace space = "http://www.w3.org/2000/svg";
        var heights = svg.Elements(space + "rect").Where(rect => rect.Element(space + "title") is { } title && !title.Value.StartsWith("signal", StringComparison.Ordinal)).DistinctBy(rect => rect.Element(space + "title")!.Value.Split(':')[0])
            .ToDictionary(rect => rect.Element(space + "title")!.Value.Split(':')[0], rect => (double)rect.Attribute("height")!);
        heights["hwcomposer"].ShouldBe(320, 0.01);
        heights.Keys.ShouldBe(["descriptors", "free", "hwcomposer", "input", "fb_manager"], ignoreOrder: true);
    }
}
