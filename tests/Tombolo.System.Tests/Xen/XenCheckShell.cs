// SPDX-License-Identifier: MIT
using Shouldly;

namespace Tombolo.System.Tests;

/// <summary>The program tombolo-xen-check in a domain, which does what it is told word by word (see its CheckShell).</summary>
internal sealed class XenCheckShell
{
    private readonly XenShell _domain;
    private readonly string _name;
    private readonly XenCommand _program;

    private XenCheckShell(XenShell domain, string name, XenCommand program) => (_domain, _name, _program) = (domain, name, program);

    /// <summary>Starts it.</summary>
    /// <param name="domain">Where.</param>
    /// <param name="name">Its own among those of the domain.</param>
    public static async Task<XenCheckShell> StartAsync(XenShell domain, string name)
    {
        _ = await domain.RunAsync($"rm -f /tmp/{name}; mkfifo /tmp/{name}");
        XenCheckShell shell = new(domain, name, domain.Start($"echo $$ >/tmp/{name}.pid; exec tombolo-xen-check shell <>/tmp/{name}"));
        _ = await shell.TellAsync("id");
        return shell;
    }

    /// <summary>Says a command, and waits for its answer.</summary>
    public async Task<string> AskAsync(string command)
    {
        XenCommand saying = _domain.Start($"echo '{command}' >/tmp/{_name}");
        string answer = await _program.NextAsync();
        (await saying.ResultAsync()).Status.ShouldBe(0);
        return answer;
    }

    /// <summary>The same, of a command that must go well.</summary>
    /// <returns>What stands behind the "ok".</returns>
    public async Task<string> TellAsync(string command)
    {
        string answer = await AskAsync(command);
        answer.ShouldStartWith("ok", customMessage: $"{_domain.Name}: {command}");
        return answer[2..].Trim();
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        _ = await _domain.RunAsync($"kill -9 $(cat /tmp/{_name}.pid)");
        (await _program.ResultAsync()).Status.ShouldBe(137);
    }
}
