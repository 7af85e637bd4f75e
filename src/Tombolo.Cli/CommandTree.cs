// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Cli.Commands;

namespace Tombolo.Cli;

/// <summary>All commands.</summary>
internal static class CommandTree
{
    /// <summary>Makes the whole tree.</summary>
    public static RootCommand Create(CommandContext context)
    {
        RootCommand root = new("Joins virtual machines, host processes and Xen domains over shared memory.\n\nExample: tombolo init && tombolo up && tombolo client. Each command has its own --help.")
        {
            InitCommand.Create(context),
            ValidateCommand.Create(context),
            UpCommand.Create(context),
            PsCommand.Create(context),
            LogsCommand.Create(context),
            ConsoleCommand.Create(context),
            StatusCommand.Create(context),
            DownCommand.Create(context),
            ClientCommand.Create(context),
            SendCommand.Create(context),
            PingCommand.Create(context),
            WhoCommand.Create(context),
            ListenCommand.Create(context),
            IntCommand.Create(context),
            ChannelCommand.Create(context),
            StoreCommand.Create(context),
            GrantCommand.Create(context),
            RegionCommand.Create(context),
            SwitchCommand.Create(context),
            DoctorCommand.Create(context),
            ProbeCommand.Create(context),
            VmCommand.Create(context),
            IvshmemServerCommand.Create(context),
            IvshmemClientCommand.Create(context),
            CompletionCommand.Create(context),
            KeeperCommand.Create(context),
        };
        ExampleHelp.Install(root);
        return root;
    }
}
