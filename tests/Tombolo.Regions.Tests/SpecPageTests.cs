// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Tombolo.Linux;
using Tombolo.Memory;
using Tombolo.Testing;

namespace Tombolo.Regions.Tests;

/// <summary>Keeps docs/specs/regions.md and the guest's header honest.</summary>
public sealed partial class SpecPageTests
{
    [Fact]
    public void Page_GoldenLayout_IsWhatIsWritten_AndReadBack()
    {
        RegionLayout layout = LayoutFile.Parse(Encoding.UTF8.GetBytes(Block("golden-file")), "page").Layout.ShouldNotBeNull();
        byte[] golden = [.. Block("layout").Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries).Select(static text => byte.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture))];
        using SafeFd memory = Memfd.Create("golden", layout.WindowBytes);
        using Window window = Window.Map(memory);
        layout.Write(window);
        byte[] written = new byte[golden.Length];
        window.View(0, written.Length).CopyOut(0, written);
        Convert.ToHexString(written).ShouldBe(Convert.ToHexString(golden));
        RegionLayout.TryRead(window, out RegionLayout? back, out string fault).ShouldBeTrue(fault);
        back!.Regions.ShouldBe(layout.Regions);
    }

    // The numbers are vSoC's: its users are compiled with them.
    [Fact]
    public void GuestHeader_SizesOffsetsAndNumbers_AreThoseOfVsoc_AndOfTheHost()
    {
        using var folder = new TemporaryFolder();
        string[] expressions =
        [
            "sizeof(struct tombolo_region_layout)", "offsetof(struct tombolo_region_layout, region_desc_offset)", "sizeof(struct tombolo_region_descriptor)", "offsetof(struct tombolo_region_descriptor, guest_to_host_signal_table)",
            "offsetof(struct tombolo_region_descriptor, host_to_guest_signal_table)", "offsetof(struct tombolo_region_descriptor, device_name)", "offsetof(struct tombolo_region_descriptor, managed_by)", "sizeof(struct tombolo_region_signal_table)",
            "sizeof(struct tombolo_region_permission_arg)", "sizeof(struct tombolo_region_cond_wait)", "offsetof(struct tombolo_region_cond_wait, wait_type)",
            "TOMBOLO_REGION_CREATE_PERMISSION", "TOMBOLO_REGION_CREATE_PERMISSION_ARG", "TOMBOLO_REGION_GET_PERMISSION", "TOMBOLO_REGION_MAYBE_SEND_INTERRUPT", "TOMBOLO_REGION_WAIT_FOR_INTERRUPT",
            "TOMBOLO_REGION_DESCRIBE", "TOMBOLO_REGION_SELF_INTERRUPT", "TOMBOLO_REGION_SEND_INTERRUPT", "TOMBOLO_REGION_COND_WAIT", "TOMBOLO_REGION_COND_WAKE",
        ];
        File.WriteAllText(folder["probe.c"], $$"""
            #include <stddef.h>
            #include <stdio.h>
            #include "tombolo_region.h"
            int main(void)
            {
            {{string.Join('\n', expressions.Select(expression => $"\tprintf(\"%lx \", (unsigned long)({expression}));"))}}
            	return 0;
            }
            """);
        using (Child compiler = new("gcc", "-Wall", "-Werror", "-o", folder["probe"], "-I", RepositoryFile.PathOf("guest/linux/uapi"), folder["probe.c"])) compiler.WaitForExit().ShouldBe(0);
        using Child probe = new(folder["probe"]);
        probe.ReadLine().ShouldNotBeNull().Trim().Split(' ').ShouldBe(
        [
            $"{LayoutDescriptor.Size:x}", "c", $"{RegionDescriptor.Size:x}", "10", "1c", "28", "38", $"{SignalTable.Size:x}", "14", "20", "14",
            "4010f500", "4014f500", "8010f501", "f502", "f503", "803cf504", "f505", "f506", "c020f507", "f508",
        ]);
    }

    private static string Block(string name) =>
        GoldenBlock().Matches(File.ReadAllText(RepositoryFile.PathOf("docs/specs/regions.md"))).Single(found => found.Groups["name"].Value == name).Groups["text"].Value;

    [GeneratedRegex("```(golden|json) (?<name>[a-z-]+)\n(?<text>.*?)```", RegexOptions.Singleline)]
    private static partial Regex GoldenBlock();
}
