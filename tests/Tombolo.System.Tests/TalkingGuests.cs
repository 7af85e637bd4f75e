// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text.RegularExpressions;
using Shouldly;
using Tombolo.Machines;

namespace Tombolo.System.Tests;

/// <summary>Two real guests that send each other numbered messages through the character device until they are told to stop.</summary>
internal sealed partial class TalkingGuests : IAsyncDisposable
{
    private static readonly TimeSpan _watchdog = TimeSpan.FromMinutes(4);
    private readonly ProcessWatcher _watcher = new();
    private readonly Machine[] _machines;

    public TalkingGuests(string folder, string socket, int vectors)
    {
        GuestImage image = GuestImage.Find().ShouldNotBeNull("the guest image is not built: run 'make guest'");
        var host = new MachineHost(ProgramPath.Find("qemu-system-x86_64").ShouldNotBeNull(), _ => Acceleration.Tcg, _watcher, TimeProvider.System);
        _machines = [Make("vm0", "vm1"), Make("vm1", "vm0")];

        Machine Make(string name, string to)
        {
            var options = new MachineOptions
            {
                Name = name,
                KernelPath = image.KernelPath,
                InitrdPath = image.InitrdPath,
                Attachments = [new("mail", socket, vectors)],
                Run = [$"TO={to}", .. File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Guest", "talk.sh"))],
                Restart = RestartPolicy.Never,
            };
            return new(options, new(Path.Combine(folder, name)), host);
        }
    }

    public async Task StartAsync()
    {
        foreach (Machine machine in _machines) machine.Start();
        foreach (Machine machine in _machines) await machine.Ready.WaitAsync(_watchdog);
    }

    /// <summary>How many numbered messages a guest has said that it heard.</summary>
    public int Heard(int guest) => Number().Count(Console(guest));

    public string Console(int guest)
    {
        string log = _machines[guest].Folder.ConsoleLog;
        if (!File.Exists(log)) return "";
        using FileStream stream = new(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        return new StreamReader(stream).ReadToEnd();
    }

    /// <summary>Waits until both guests have heard so many more messages: they live, and the memory and doorbells between them work.</summary>
    public async Task HearMoreAsync(int more)
    {
        int[] goals = [Heard(0) + more, Heard(1) + more];
        await UntilAsync(() => Heard(0) >= goals[0] && Heard(1) >= goals[1], $"both guests hear {more} more messages");
    }

    /// <summary>After both were told to stop: every message that was counted as sent was heard by the other once, in order.</summary>
    public async Task JudgeAsync()
    {
        for (int from = 0; from < 2; from++)
        {
            int sender = from;
            await UntilAsync(() => Counted().IsMatch(Console(sender)), $"vm{from} stops counting");
            int sent = int.Parse(Counted().Match(Console(from)).Groups[1].Value, CultureInfo.InvariantCulture);
            await UntilAsync(() => Heard(1 - sender) >= sent, $"vm{1 - from} hears all {sent}");
            int[] heard = [.. Number().Matches(Console(1 - from)).Select(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture))];
            heard.ShouldBe(Enumerable.Range(1, sent));
        }
    }

    public async Task UntilAsync(Func<bool> holds, string what)
    {
        long end = Environment.TickCount64 + (long)_watchdog.TotalMilliseconds;
        while (!holds())
        {
            foreach (Machine machine in _machines)
                Machine.FindRunning(machine.Folder).ShouldNotBeNull($"{machine.Options.Name} ended: {File.ReadAllText(machine.Folder.QemuLog)}");
            Environment.TickCount64.ShouldBeLessThan(end, $"watchdog: waited in vain until {what}\n{Tail(0)}\n{Tail(1)}");
            await Task.Delay(20);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Machine machine in _machines) await machine.StopAsync();
        foreach (Machine machine in _machines) await machine.DisposeAsync();
        _watcher.Dispose();
    }

    private string Tail(int guest) => string.Join('\n', Console(guest).Split('\n').TakeLast(15));

    [GeneratedRegex(@"HEARD number (\d+)\.")] private static partial Regex Number();

    [GeneratedRegex(@"COUNTED (\d+)\.")] private static partial Regex Counted();
}
