// SPDX-License-Identifier: MIT
using System.Diagnostics;

namespace Tombolo.Channels.Tests;

/// <summary>What samples/channels shows, with each end in a process of its own.</summary>
[Trait("Speed", "slow")]
public sealed class SampleTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Ring() => (await RunAsync("receive", "send"))[0].ShouldBe("The sum of all ticks is 500500.\n");

    [Fact]
    public async Task FanIn()
    {
        string[] lines = (await RunAsync("collect", "log", "log", "log"))[0].Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.Length.ShouldBe(3);
        lines.ShouldAllBe(line => line.StartsWith("Lane ", StringComparison.Ordinal) && line.EndsWith(" was here.", StringComparison.Ordinal));
        lines.Distinct().Count().ShouldBe(3);
    }

    [Fact]
    public async Task Broadcast() => (await RunAsync("publish", "subscribe", "subscribe"))[1..].ShouldAllBe(said => said == "The last of 100 prices was 100; 0 were lost.\n");

    [Fact]
    public async Task Request() => (await RunAsync("serve", "ask"))[1].ShouldBe("HELLO\n");

    [Fact]
    public async Task Stream() => (await RunAsync("listen", "call"))[0].ShouldBe("6 characters: line 1\n6 characters: line 2\n6 characters: line 3\n");

    private async Task<string[]> RunAsync(params string[] roles)
    {
        Process[] processes = [.. roles.Select(role => Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "tombolo-channel-samples"), [role, _folder["c"]]) { RedirectStandardOutput = true })!)];
        try
        {
            string[] said = await Task.WhenAll(processes.Select(static process => process.StandardOutput.ReadToEndAsync())).WaitAsync(Watchdog.Limit);
            foreach (Process process in processes)
            {
                process.WaitForExit(Watchdog.Limit).ShouldBeTrue();
                process.ExitCode.ShouldBe(0);
            }
            return said;
        }
        finally
        {
            foreach (Process process in processes)
            {
                if (!process.HasExited) process.Kill();
                process.Dispose();
            }
        }
    }
}
