// SPDX-License-Identifier: MIT
using Spectre.Console;
using Tombolo.Cli.Output;
using Tombolo.Fabric;

namespace Tombolo.Cli.Fabrics;

/// <summary>Shows what happens in a fabric: a line an event, coloured on a terminal, or JSON.</summary>
internal sealed class EventPrinter(Screen screen, bool json)
{
    /// <summary>Shows one.</summary>
    public void Show(FabricEvent happened)
    {
        if (json) screen.Json(happened, FabricStatusJson.Default.FabricEvent);
        else screen.Line($"{Mark(happened.Kind)} {Printable.Text(happened.Sentence)}");
    }

    /// <summary>Says something that is no event; not in JSON.</summary>
    public void Say(string sentence)
    {
        if (!json) screen.Line($"{Mark(FabricEventKind.Note)} {sentence}");
    }

    /// <summary>Runs something with a spinner and a text below the lines, on a terminal.</summary>
    public async Task<T> WithProgressAsync<T>(string text, Func<Action<string>, Task<T>> work)
    {
        if (json || !screen.Colour) return await work(static _ => { });
        return await screen.Drawing().Status().Spinner(screen.Unicode ? Spinner.Known.Dots : Spinner.Known.Line)
            .StartAsync(Markup.Escape(text), context => work(now => context.Status(Markup.Escape(now))));
    }

    private string Mark(FabricEventKind kind)
    {
        (string sign, int colour) = kind switch
        {
            FabricEventKind.MailboxUp or FabricEventKind.RegionsUp or FabricEventKind.RegionsReady or FabricEventKind.SwitchUp or FabricEventKind.MachineReady or FabricEventKind.MachineAdopted or FabricEventKind.FabricUp => ("+", 32),
            FabricEventKind.MachineFailed or FabricEventKind.FabricFailed or FabricEventKind.MailboxFailed or FabricEventKind.RegionsFailed or FabricEventKind.SwitchFailed => ("!", 31),
            FabricEventKind.MachineLate or FabricEventKind.MachineEnded or FabricEventKind.MachineRestarting => ("!", 33),
            FabricEventKind.MailboxDown or FabricEventKind.RegionsDown or FabricEventKind.SwitchDown or FabricEventKind.MachineStopping or FabricEventKind.MachineStopped or FabricEventKind.FabricStopping or FabricEventKind.FabricDown => ("-", 0),
            _ => ("*", 0),
        };
        return screen.Colour && colour != 0 ? $"\x1b[{colour}m{sign}\x1b[0m" : sign;   // ECMA-48: green, red, yellow
    }
}
