// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Cli.Output;
using Tombolo.Cli.Region;
using Tombolo.Regions;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo region layout</c>: checks a layout file, and draws it.</summary>
internal static class RegionLayoutCommand
{
    public static ExampleCommand Create(CommandContext context)
    {
        Argument<string> file = new("file") { Description = "The layout file (JSON, either generation)." };
        Option<string?> svg = new("--svg") { Description = "Write the picture to this file, as SVG.", HelpName = "file" };
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("layout", "Checks a layout file, every fault at once; prints it as a table and as a picture to scale.", "tombolo region layout phone-layout.json", "tombolo region layout phone-layout.json --svg phone.svg") { file, svg, json };
        command.SetAction(parsed =>
        {
            string path = parsed.GetRequiredValue(file);
            LayoutReading reading = LayoutFile.Load(path);
            if (reading.Layout is not { } layout) return Refuse(context.Screen, path, reading.Faults, parsed.GetValue(json));
            if (parsed.GetValue(svg) is { } picture) File.WriteAllText(picture, LayoutPicture.Svg(layout, Path.GetFileName(path)));
            if (parsed.GetValue(json)) context.Screen.Json(ViewOf(layout), CliJson.Default.LayoutView);
            else context.Screen.Write($"{LayoutPicture.Table(layout)}\n{LayoutPicture.Drawing(layout)}");
            return ExitCode.Done;
        });
        return command;
    }

    private static int Refuse(Screen screen, string path, IReadOnlyList<LayoutFault> faults, bool json)
    {
        if (json) screen.Json(faults, CliJson.Default.LayoutFaults);
        else foreach (LayoutFault fault in faults) screen.Complain(Printable.Text(fault.ToString()));
        throw new CommandException($"{path} has {faults.Count} {(faults.Count == 1 ? "fault" : "faults")}");
    }

    private static LayoutView ViewOf(RegionLayout layout) => new(layout.WindowBytes, [.. layout.Regions.Select((region, index) => new LayoutRow(index, region.Name, region.BeginOffset, region.EndOffset, region.DataOffset,
        region.GuestToHost.Slots, region.HostToGuest.Slots, region.CurrentVersion, region.OldestVersion, region.ManagedBy == 0 ? null : layout.Regions[(int)region.ManagedBy].Name))]);
}
