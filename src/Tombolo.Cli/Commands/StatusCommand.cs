// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.Globalization;
using Tombolo.Cli.Client;
using Tombolo.Cli.Fabrics;
using Tombolo.Cli.Output;
using Tombolo.Fabric;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo status</c>: a look into mailboxes, as from the server's console.</summary>
internal static class StatusCommand
{
    public static Command Create(CommandContext context)
    {
        FabricChoice choice = new();
        Option<string?> mailbox = CommonOptions.Mailbox();
        mailbox.Description = "Only this mailbox; by default all of the fabric.";
        Option<bool> picture = new("--picture") { Description = "Draw the switch with its ports." };
        Option<double?> watch = new("--watch") { Description = "Show it again after so many seconds (1 if none are given), until Ctrl-C.", HelpName = "seconds", Arity = ArgumentArity.ZeroOrOne };
        Option<bool> trace = new("--trace") { Description = "Show the messages that the mailbox's server sends and takes, until Ctrl-C." };
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("status", "Shows a fabric's mailboxes as from their servers' consoles (counters, participants, SID:CID, attributes, messages), and its regions.", "tombolo status", "tombolo status --picture", "tombolo status --watch 2", "tombolo status --trace") { choice.Option, mailbox, picture, watch, trace, json };
        command.SetAction(async (parsed, stop) =>
        {
            FabricPaths paths = choice.PathsOf(parsed);
            StatusPlan plan = new(parsed.GetValue(mailbox), parsed.GetValue(picture), parsed.GetValue(json));
            TimeSpan? interval = parsed.GetResult(watch) is null ? null : Seconds.Of(watch, parsed) ?? TimeSpan.FromSeconds(1);
            if (parsed.GetValue(trace)) return await TraceAsync(context.Screen, paths, plan, stop);
            try
            {
                while (true)
                {
                    await ShowAsync(context.Screen, paths, plan, interval is not null, stop);
                    if (interval is not { } pause) return ExitCode.Done;
                    await Task.Delay(pause, context.Time, stop);
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested && interval is not null) { return ExitCode.Done; }
        });
        return command;
    }

    private sealed record StatusPlan(string? Mailbox, bool Picture, bool Json);

    private static async Task<int> TraceAsync(Screen screen, FabricPaths paths, StatusPlan plan, CancellationToken stop)
    {
        FabricDeclaration declaration = FabricState.RecordedDeclaration(paths) ?? throw new CommandException($"Fabric {paths.Name} has gone down");
        string mailbox = MailboxChoice.Choose(plan.Mailbox, declaration).Name;
        using DaemonClient daemon = new(paths.AdminSocket);
        Task heard()
        {
            screen.Complain($"Tracing the server of mailbox {mailbox}; Ctrl-C ends it.");   // from here on nothing is missed
            return Task.CompletedTask;
        }
        try
        {
            await foreach (TracedMessage one in daemon.FollowAsync($"/mailboxes/{mailbox}/trace", FabricStatusJson.Default.TracedMessage, heard, stop))
            {
                if (plan.Json) screen.Json(one, FabricStatusJson.Default.TracedMessage);
                else screen.Line($"{one.Time.ToLocalTime():HH:mm:ss.fff} server {(one.IsSent ? "->" : "<-")} {Number(one.Peer)}: {Printable.Text(one.Text)}");
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested) { }
        return ExitCode.Done;
    }

    private static async Task ShowAsync(Screen screen, FabricPaths paths, StatusPlan plan, bool again, CancellationToken stop)
    {
        FabricStatus status = await FabricView.SnapshotAsync(paths, stop) ?? throw new CommandException($"Fabric {paths.Name} has gone down");
        if (plan.Mailbox is { } only)
        {
            MailboxStatus[] chosen = [.. status.Mailboxes.Where(one => one.Name == only)];
            if (chosen.Length == 0) throw new CommandException($"Fabric {paths.Name} has no mailbox '{Printable.Text(only)}'; it has {string.Join(", ", status.Mailboxes.Select(one => one.Name).DefaultIfEmpty("none"))}");
            status = status with { Mailboxes = chosen, Regions = [] };
        }
        if (plan.Json)
        {
            screen.Json(status, FabricStatusJson.Default.FabricStatus);
            return;
        }
        if (again && screen.Colour) screen.Write("\x1b[H\x1b[2J");   // ECMA-48: home, erase everything
        screen.Line($"Fabric {status.Fabric}: {(status.OwnerProcessId == 0 ? "its daemon was killed" : $"daemon {status.OwnerProcessId}")}, state in {status.Folder}");
        if (status.Store is { } store && plan.Mailbox is null) Describe(screen, store);
        if (status.Grants is { } grants && plan.Mailbox is null) Describe(screen, grants);
        foreach (MailboxStatus mailbox in status.Mailboxes)
        {
            screen.Line();
            if (plan.Picture) foreach (string line in Picture(mailbox, screen.Unicode)) screen.Line(line);
            else Describe(screen, mailbox);
        }
        foreach (SwitchStatus one in plan.Mailbox is null ? status.Switches : [])
        {
            screen.Line();
            screen.Line($"Switch {one.Name}: {(one.IsUp ? "ready" : "dead")}; {one.Ports.Count(port => port.IsUp)} of {one.Ports.Count} ports are up{Uplinks(one)}, {one.Ports.Sum(port => port.Lost)} frames lost ('tombolo switch show' tells more)");
        }
        foreach (RegionsStatus window in status.Regions)
        {
            screen.Line();
            Describe(screen, window);
        }
    }

    private static string Uplinks(SwitchStatus one) => string.Join(", ", one.Ports.Where(static port => port.Settings.Uplink is not null).Select(static port => $"{port.Settings.Name} {(port.IsUp ? "up" : "down")}")) is { Length: > 0 } words ? $" (uplinks: {words})" : "";

    private static void Describe(Screen screen, RegionsStatus window)
    {
        string machine = window.MachineProcessId is { } process ? $"machine {(string.IsNullOrEmpty(window.Machine) ? "of one's own" : window.Machine)} (pid {process}) is there, {(window.HasDriver ? "with its driver" : "without its driver yet")}" : "no machine is there";
        screen.Line($"Regions {window.Name} at {window.ClientSocket}: {(window.IsUp ? "ready" : "dead")}{(window.TookOver ? ", took over from a server that was killed" : "")}; {machine}");
        if (!window.IsUp) return;
        screen.Line($"{window.Regions.Count} regions in {ByteSize.Format(window.WindowBytes)}; {window.Served} clients served, {window.Refused} refused, {window.Dropped} dropped; {window.RefusedMachines} machines refused");
        TextTable table = new("region", "begin", "bytes", "data at", "managed by");
        foreach (RegionStatus region in window.Regions)
            _ = table.Row(region.Name, RegionCommand.Hex(region.Begin), Number(region.End - region.Begin), RegionCommand.Hex(region.Data), region.ManagedBy ?? "-");
        screen.Table(table);
    }

    private static void Describe(Screen screen, StoreStatus store)
    {
        screen.Line();
        screen.Line($"Store at {store.Socket}: {(store.IsUp ? "ready" : "dead")}{(store.TookOver ? ", took over from a server that was killed" : "")}");
        screen.Line($"{store.Nodes} nodes, {store.Connections} connections, {store.Watches} watches; {store.Requests} requests answered, {store.QuotaHits} stopped by a quota{(store.Domains.Count == 0 ? "" : $"; domains {string.Join(", ", store.Domains)}")}");
    }

    private static void Describe(Screen screen, GrantsStatus grants)
    {
        screen.Line();
        screen.Line($"Grants at {grants.Socket}: {(grants.IsUp ? "ready" : "dead")}");
        screen.Line($"{grants.Grants} grants of {grants.Pages} pages, {grants.Ports} ports{(grants.Domains.Count == 0 ? "" : $"; domains {string.Join(", ", grants.Domains)}")}");
        foreach (GrantWindowStatus window in grants.Windows) Describe(screen, window);
    }

    private static void Describe(Screen screen, GrantWindowStatus window)
    {
        screen.Line();
        screen.Line($"Window {window.Name} at {window.Socket}: {(window.IsUp ? "ready" : "dead")}{(window.TookOver ? ", took over from a host that was killed" : "")}; {ByteSize.Format(window.WindowBytes)}, domains {window.First} to {window.First + window.Places - 1}");
        if (window.Members.Count == 0) return;
        TextTable table = new("domain", "machine", "pid", "pages granted", "ports");
        foreach (GrantMemberStatus member in window.Members) _ = table.Row(Number(member.Domain), member.Machine ?? "-", Number(member.ProcessId), Number(member.Pages), Number(member.Ports));
        screen.Table(table);
    }

    private static void Describe(Screen screen, MailboxStatus mailbox)
    {
        string server = mailbox.ServerId is { } id ? $"{mailbox.ServerClass} is {id}{(mailbox.ServerAddress is { } address ? $" ({address})" : "")}" : "the server is silent";
        screen.Line($"Mailbox {mailbox.Name} at {mailbox.Socket}: {(mailbox.IsUp ? "ready" : "dead")}{(mailbox.TookOver ? ", took over from a server that was killed" : "")}; {server}");
        screen.Line($"{mailbox.Members.Count} of {mailbox.Clients} places taken, slots of {mailbox.SlotBytes} bytes; {mailbox.Joins} joins, {mailbox.Leaves} leaves, {mailbox.Refused} refused; the server sent {mailbox.Sent} messages and took {mailbox.Received}");
        if (mailbox.Members.Count == 0) return;
        TextTable table = new("id", "name", "machine", "sid:cid", "pid", "to server", "from server", "pending", "attributes");
        foreach (MemberStatus member in mailbox.Members)
            _ = table.Row(Number(member.Id), NameOf(member), member.Machine ?? "-", member.Address ?? "-", Number(member.ProcessId), Number(member.Received), Number(member.Sent), member.Pending.ToString(CultureInfo.InvariantCulture), member.Attributes.Length > 0 ? Printable.Text(member.Attributes) : "-");
        screen.Table(table);
    }

    private static IReadOnlyList<string> Picture(MailboxStatus mailbox, bool unicode)
    {
        IEnumerable<PicturePort> ports = Enumerable.Range(1, mailbox.Clients).Select(id => new PicturePort(id, mailbox.Members.FirstOrDefault(one => one.Id == id) is { } member ? PortLabel(member) : null));
        List<string> title = [mailbox.Name, mailbox.ServerId is { } server ? $"{mailbox.ServerClass} {server}" : "silent"];
        if (mailbox.ServerAddress is { } address) title.Add(address);
        if (!mailbox.IsUp) title.Add("dead");
        return SwitchPicture.Draw(title, [.. ports], unicode);
    }

    private static string PortLabel(MemberStatus member)
    {
        string name = member.Name.Length > 0 ? Printable.Text(member.Name) : member.Machine ?? "?";
        return member.Address is { } address ? $"{name} {address}" : name;
    }

    private static string NameOf(MemberStatus member) => member.Name.Length > 0 ? Printable.Text(member.Name) : "-";

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
